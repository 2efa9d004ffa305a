import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import { createUlidMaker, firstUlidAt } from "#kernel/base/ulid.ts";
import type { ControlDatabase, ControlQueries } from "../database/control-database.ts";
import { SharedRuns } from "../database/shared-runs.ts";
import type { Log } from "../observe/log.ts";
import { appendEvent, isWantedEvent } from "./append-event.ts";
import { AuditBlockedError, type BlockedChain, describeBlocked } from "./audit-blocked-error.ts";
import type { AuditEvent, RecordAudit } from "./audit-event.ts";
import { type AuditRecord, renderAuditTime, serverChain } from "./audit-record.ts";
import type { AuditSettings } from "./audit-settings.ts";
import type { AuditMark, AuditPublicKey, AuditSigner } from "./audit-signer.ts";
import {
  type ChainHead,
  dropMarksBefore,
  dropUpTo,
  findBlockedChains,
  findLastBefore,
  findTakenPlace,
  insertMark,
  readHeads,
  readKeys,
  readLastMarkTime,
  readMarks,
} from "./audit-store.ts";
import { dataEventsChain } from "./data-event-files.ts";
import { type CountedDenial, Denials } from "./denials.ts";
import type { AuditExport } from "./export-audit.ts";
import { headSignedMessage } from "./logged-heads.ts";
import { type EventQuery, findEvents, type ShownPage, verifyChains } from "./read-audit.ts";
import type { ChainReport } from "./verify-chain.ts";

/** What the audit stands on. */
export interface AuditTrailOptions {
  readonly database: ControlDatabase;
  readonly signer: AuditSigner;
  /** Asked at each event, so that a change holds at once. */
  readonly settings: () => AuditSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Where the chain of requests for objects ends, which stands in files. */
  readonly dataHead?: () => Promise<ChainHead | undefined>;
}

/** Which events are exported, and the event that tells of it. */
export interface ExportOrder extends Pick<AuditExport, "filter" | "time"> {
  /** One chain, or all when it is empty. */
  readonly chain: string;
  readonly event: AuditEvent;
}

const dayMs = 86_400_000;
const signEveryMs = 3_600_000;
const lookEveryMs = 60_000;
/** Denials of one transaction. */
const denialsAtOnce = 500;

/** Who does what the server does by itself. */
const systemActor = { kind: "system", id: "system", name: "system" } as const;

/** The recorded events: one chain per tenant and one for the server. Nothing edits or deletes them but retention. */
export class AuditTrail {
  readonly #options: AuditTrailOptions;
  readonly #denials = new Denials();
  readonly #verifications = new SharedRuns<readonly ChainReport[]>();
  readonly #makeId: () => string;
  #lastSignedMs: number | undefined;
  #retainedDay: number | undefined;
  /** Chains that cannot go on, by name. */
  readonly #blocked = new Map<string, BlockedChain>();
  #lookedMs: number | undefined;

  constructor(options: AuditTrailOptions) {
    this.#options = options;
    this.#makeId = createUlidMaker(options.clock, options.random);
  }

  /**
   * See `RecordAudit`. A denial is no change: it is counted with its equals and recorded within a minute, or when somebody
   * reads the events.
   */
  readonly record: RecordAudit = async (queries, event) => {
    if (event.outcome === "denied") this.recordDenial(event);
    else if (isWantedEvent(event, this.#options.settings())) await this.#append(queries, event);
  };

  /** Counts a denial with its equals; what `record` does with one, for those who have no transaction. */
  readonly recordDenial = (event: AuditEvent, count = 1): void => {
    if (isWantedEvent(event, this.#options.settings())) this.#denials.add(event, this.#options.clock.nowMs(), count);
  };

  /** Records the denials that wait. */
  async flush(): Promise<void> {
    const denials = this.#denials.take();
    for (let done = 0; done < denials.length; done += denialsAtOnce) {
      // A transaction holds the thread: calls and workers get their turn in between.
      if (done > 0) await nextTurn();
      await this.#writeDenials(denials.slice(done, done + denialsAtOnce)).catch((error) => {
        this.#denials.putBack(denials.slice(done));
        throw error;
      });
    }
  }

  #writeDenials(denials: readonly CountedDenial[]): Promise<void> {
    return this.#options.database.transaction(async (queries) => {
      for (const { event, count, sinceMs } of denials) {
        await this.#append(queries, { ...event, ...(count > 1 && { count, since: renderAuditTime(sinceMs) }) });
      }
    });
  }

  /** Sees that chains can go on. All are looked at once a minute, those that could not each time. @throws Error saying what helps */
  async check(): Promise<void> {
    const { clock, database } = this.#options;
    if (this.#lookedMs === undefined || clock.nowMs() - this.#lookedMs >= lookEveryMs) {
      this.#lookedMs = clock.nowMs();
      this.#block(await findBlockedChains(database));
    }
    for (const one of this.#blocked.values()) if (!(await this.#isBlocked(one))) this.#blocked.delete(one.chain);
    if (this.#blocked.size > 0) throw new Error(describeBlocked([...this.#blocked.values()]));
  }

  /** What is due: waiting denials each time, signatures every hour, retention once a day. Call it every minute. */
  async runUpkeep(): Promise<void> {
    const { clock, database } = this.#options;
    await this.flush();
    this.#lastSignedMs ??= await readLastMarkTime(database, "head");
    if (clock.nowMs() - this.#lastSignedMs >= signEveryMs) {
      await this.signHeads();
      this.#lastSignedMs = clock.nowMs();
    }
    const day = Math.floor(clock.nowMs() / dayMs);
    if (this.#retainedDay !== day) await this.dropOld();
    this.#retainedDay = day;
  }

  /** Signs where each chain stands, unless the last signature says the same. The log gets them too: a cut tail shows. */
  async signHeads(): Promise<readonly AuditMark[]> {
    const { database, signer, clock, log } = this.#options;
    const ofFiles = await this.#options.dataHead?.();
    const marks = await database.transaction(async (queries) => {
      const signed: AuditMark[] = [];
      for (const { chain, seq, hash } of [...(await readHeads(queries)), ...(ofFiles ? [ofFiles] : [])]) {
        if ((await readMarks(queries, chain)).some((mark) => mark.seq === seq)) continue;
        const mark = signer.signMark({ chain, kind: "head", seq, hash, timeMs: clock.nowMs() });
        await insertMark(queries, mark);
        signed.push(mark);
      }
      return signed;
    });
    for (const { chain, seq, hash, timeMs, keyId, signature } of marks) {
      log.info(headSignedMessage, { chain, seq, hash, timeMs, keyId, signature });
    }
    return marks;
  }

  /** Drops whole days (UTC) that are older than the retention; a signed record of the last hash stays. */
  async dropOld(): Promise<void> {
    const { database, settings, clock } = this.#options;
    const today = Math.floor(clock.nowMs() / dayMs);
    const limitMs = (today - settings()["audit.retention_days"]) * dayMs;
    for (const { chain } of await readHeads(database)) {
      await database.transaction((queries) => this.#dropBefore(queries, chain, limitMs));
    }
    // The files of those days go too; their last event was signed within the hour.
    await dropMarksBefore(database, dataEventsChain, limitMs + 2 * signEveryMs);
  }

  /** The keys that signatures are verified with. */
  async publicKeys(): Promise<readonly AuditPublicKey[]> {
    const keys = await readKeys(this.#options.database);
    return keys.map(({ keyId, publicKey }) => ({ keyId, publicKey }));
  }

  /** Events that match, with the denials that wait. */
  async find(query: EventQuery): Promise<ShownPage> {
    await this.flush();
    return findEvents(this.#options.database, query);
  }

  /** Where the chains end and up to where they are signed. @param chain one, or all when it is empty */
  async describeHeads(chain: string): Promise<readonly (ChainHead & { readonly signed: AuditMark | null })[]> {
    const { database } = this.#options;
    await this.flush();
    const described: (ChainHead & { readonly signed: AuditMark | null })[] = [];
    for (const head of await this.#headsOf(chain)) {
      described.push({ ...head, signed: (await readMarks(database, head.chain)).at(-1) ?? null });
    }
    return described;
  }

  /** Verifies one chain, or all when it is empty. It reads every event, so one goes after the other, and those who wait share it. */
  verify(chain: string): Promise<readonly ChainReport[]> {
    return this.#verifications.run(chain, () => this.#verify(chain));
  }

  async #verify(chain: string): Promise<readonly ChainReport[]> {
    await this.flush();
    const chains = (await this.#headsOf(chain)).map((head) => head.chain);
    return verifyChains(this.#options.database, chains, { keys: await this.publicKeys() });
  }

  /** Records that events are exported and signs the heads: the export is about what was there at this moment. */
  async openExport(wanted: ExportOrder): Promise<AuditExport> {
    const { database, signer } = this.#options;
    const { chain, filter, time, event } = wanted;
    await this.flush();
    await this.recordExport(event);
    await this.signHeads();
    const chains = (await this.#headsOf(chain)).map((head) => head.chain);
    return { database, signer, keys: await this.publicKeys(), chains, filter, time };
  }

  /** Records that something was exported, before its first line goes out. */
  async recordExport(event: AuditEvent): Promise<void> {
    await this.#options.database.transaction((queries) => this.record(queries, event));
  }

  async #headsOf(chain: string): Promise<readonly ChainHead[]> {
    const heads = await readHeads(this.#options.database);
    return chain === "" ? heads : heads.filter((head) => head.chain === chain);
  }

  async #dropBefore(queries: ControlQueries, chain: string, limitMs: number): Promise<void> {
    const { signer, clock } = this.#options;
    const last = await findLastBefore(queries, chain, firstUlidAt(Math.max(0, limitMs)));
    if (last === undefined) return;
    const { seq, hash } = last;
    const count = await dropUpTo(queries, chain, seq);
    await insertMark(queries, signer.signMark({ chain, kind: "cut", seq, hash, timeMs: clock.nowMs() }));
    await this.#append(queries, {
      tenantId: chain === serverChain ? null : chain,
      actor: systemActor,
      action: "audit:Retention",
      outcome: "success",
      via: "system",
      change: { events: { before: count, after: 0 }, until: { after: renderAuditTime(limitMs) } },
    });
  }

  async #append(queries: ControlQueries, event: AuditEvent & Pick<AuditRecord, "count" | "since">): Promise<void> {
    try {
      await appendEvent(queries, event, { id: this.#makeId(), nowMs: this.#options.clock.nowMs() });
    } catch (error) {
      if (error instanceof AuditBlockedError) this.#block([error.blocked]);
      throw error;
    }
  }

  /** Each chain is told of once, until it goes on. */
  #block(found: readonly BlockedChain[]): void {
    const fresh = found.filter(({ chain }) => !this.#blocked.has(chain));
    for (const one of found) this.#blocked.set(one.chain, one);
    if (fresh.length > 0)
      this.#options.log.error(describeBlocked(fresh), { chains: fresh.map(({ chain }) => chain).join() });
  }

  /** Whether a chain that could not go on still cannot. */
  async #isBlocked({ chain }: BlockedChain): Promise<boolean> {
    const { database } = this.#options;
    const head = (await readHeads(database)).find((one) => one.chain === chain);
    return (await findTakenPlace(database, chain, (head?.seq ?? 0) + 1)) !== undefined;
  }
}
