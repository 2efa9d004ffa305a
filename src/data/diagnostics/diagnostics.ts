import type { Clock } from "#kernel/base/clock.ts";
import type {
  DenialRecord,
  KeptAnswer,
  KeptKind,
  ReportedDenial,
  SignatureRecord,
} from "#kernel/protocol/diagnostics.ts";
import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import type { SignedIdentity } from "../authorize.ts";
import { principalOf } from "../request/call-origin.ts";
import type { DenialReports } from "./denial-reports.ts";
import { type Denial, describeDenial } from "./describe-denial.ts";
import { RecentRecords } from "./recent-records.ts";

/** Denials that a worker can explain. */
const maxKeptDenials = 1000;
/** Denials of one second that are kept. */
const maxDenialsPerSecond = 100;

/** A denial, and where it came from. */
export interface NotedDenial extends Denial {
  readonly bucket: BucketEntry | undefined;
  readonly address: string;
  readonly agent: string;
}

/** Signatures that do not match which a worker can show. */
const maxKeptSignatures = 200;
/** Of one second. */
const maxSignaturesPerSecond = 50;

/** What a worker remembers of refused requests, for those who ask why. */
export class Diagnostics {
  readonly #reports: Pick<DenialReports, "add">;
  readonly #denials: RecentRecords<DenialRecord>;
  readonly #signatures: RecentRecords<SignatureRecord>;

  /** @param reports where the audit gets them from */
  constructor(clock: Pick<Clock, "monotonicMs">, reports: Pick<DenialReports, "add">) {
    this.#reports = reports;
    const monotonicMs = () => clock.monotonicMs();
    this.#denials = new RecentRecords({
      ...{ maxCount: maxKeptDenials, maxPerSecond: maxDenialsPerSecond, monotonicMs },
    });
    this.#signatures = new RecentRecords({
      ...{ maxCount: maxKeptSignatures, maxPerSecond: maxSignaturesPerSecond, monotonicMs },
    });
  }

  /** Policies refused something: it can be explained, and is recorded in the audit. */
  noteDenial(denial: NotedDenial): void {
    this.#reports.add(reportOf(denial));
    this.#denials.add(() => describeDenial(denial));
  }

  /** Something else than this worker refused something, and records it: here it can be explained. */
  keepDenial(denial: Denial): void {
    this.#denials.add(() => describeDenial(denial));
  }

  /** A signature was not what the server computed. @param describe called when there is room */
  noteMismatch(describe: () => SignatureRecord): void {
    this.#signatures.add(describe);
  }

  /** What is kept of a request. */
  find({ what, requestId }: { readonly what: KeptKind; readonly requestId: string }): KeptAnswer {
    switch (what) {
      case "denials":
        return { denials: this.#denials.find(requestId) };
      case "signatures":
        return { signatures: this.#signatures.find(requestId) };
    }
  }
}

function reportOf(denial: NotedDenial): Omit<ReportedDenial, "count"> {
  const { identity, bucket, action, requestId, address, agent } = denial;
  const callerTenantId = identity.kind === "anonymous" ? null : identity.tenant.tenantId;
  const tenantId = denial.ownerTenantId ?? callerTenantId;
  return {
    ...{ tenantId, action, requestId, address, agent },
    actor: identity.kind === "anonymous" ? null : actorOf(identity, callerTenantId === tenantId),
    bucket: bucket === undefined ? null : { bucketId: bucket.bucketId, name: bucket.name },
  };
}

/** Names mean something in their own tenant alone: elsewhere the ARN is the name. */
function actorOf(identity: SignedIdentity, isOwn: boolean): ReportedDenial["actor"] {
  const { accessKeyId, principalId: id, principalName } = principalOf(identity);
  return { id, name: isOwn ? principalName : identity.arn, accessKeyId };
}
