import type { Span } from "../trace/span.ts";
import type { CatalogProblem } from "./catalog-problem.ts";
import type { DataEvent } from "./data-event.ts";
import type { KeptAnswer, ReportedDenial } from "./diagnostics.ts";
import type { KeyUse } from "./key-use.ts";
import type { SessionOrder, SigningCredential } from "./sts.ts";

/** The request that a call is made for, as the audit tells of it. */
export interface CallOrigin {
  readonly accessKeyId: string;
  /** Id and name of the user, or of the session. */
  readonly principalId: string;
  readonly principalName: string;
  readonly requestId: string;
  /** The TCP peer. */
  readonly address: string;
  readonly agent: string;
}

/** A mutation of control state that an S3 request asks for; answered after all live workers know the outcome. */
export type ControlCall =
  | {
      readonly kind: "createBucket";
      readonly name: string;
      /** The owner to be. */
      readonly tenantId: string;
      readonly region: string;
      readonly tags: readonly (readonly [key: string, value: string])[];
      readonly origin?: CallOrigin;
    }
  | { readonly kind: "deleteBucket"; readonly bucketId: string; readonly origin?: CallOrigin }
  /** Answered with a `SessionAnswer`. */
  | {
      readonly kind: "issueSession";
      readonly order: SessionOrder;
      readonly credential: SigningCredential;
      readonly origin: CallOrigin;
      /** Over TLS. */
      readonly secure: boolean;
    };

/** Lines of JSON in UTF-8, each with its line feed, in memory that both threads share. */
export interface SharedLines {
  /** Where the lines are, bytes. */
  readonly start: number;
  /** Bytes. */
  readonly length: number;
  /** In the first such message of a worker's life; the later ones are about the same. */
  readonly memory?: SharedArrayBuffer;
}

/** A data worker to the control thread. */
export type ToControl =
  | { readonly kind: "listening"; readonly s3Port: number; readonly tlsPort?: number }
  /** Sent after a snapshot or delta took effect. */
  | { readonly kind: "applied"; readonly number: number }
  /** The worker saw a gap in the numbers. */
  | { readonly kind: "resync" }
  /** `trace`: `traceparent` of what waits for the answer; absent: it is not traced. */
  | { readonly kind: "call"; readonly id: number; readonly call: ControlCall; readonly trace?: string }
  | {
      readonly kind: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly message: string;
      readonly fields: Readonly<Record<string, string | number | boolean>>;
    }
  | { readonly kind: "catalogProblem"; readonly problem: CatalogProblem }
  /** A damaged object was replaced or deleted, or is sound again; `object` as the problem named it. */
  | { readonly kind: "objectSettled"; readonly bucketId: string; readonly object: string }
  /** Newest last use of each key since the last such message; 1,000 keys at most. */
  | { readonly kind: "keyUses"; readonly uses: readonly KeyUse[] }
  /** Answer to `find`. */
  | { readonly kind: "kept"; readonly id: number; readonly found: KeptAnswer }
  /** Denials for the audit; answered by `denialsTaken`. */
  | { readonly kind: "denials"; readonly denials: readonly ReportedDenial[]; readonly droppedCount: number }
  /** Requests for objects, for the audit; answered by `dataEventsWritten`. `droppedCount`: how many before them were lost. */
  | { readonly kind: "dataEvents"; readonly events: readonly DataEvent[]; readonly droppedCount: number }
  /** Lines of the access log, which stand there until the answer, `accessWritten`. */
  | { readonly kind: "access"; readonly lines: SharedLines }
  | { readonly kind: "spans"; readonly spans: readonly Span[]; readonly droppedCount: number }
  | { readonly kind: "drained" };

/** What of it concerns the control plane: the pool keeps the rest for itself. */
export type WorkerCall = Extract<
  ToControl,
  {
    kind:
      | "applied"
      | "resync"
      | "call"
      | "catalogProblem"
      | "objectSettled"
      | "keyUses"
      | "kept"
      | "denials"
      | "dataEvents";
  }
>;
