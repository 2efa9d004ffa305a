import { firstUlidAt } from "#kernel/base/ulid.ts";
import { type AuditFilter, compileFilter } from "./audit-filter.ts";
import { type AuditRecord, genesisHash, type StoredRecord } from "./audit-record.ts";
import type { AuditMark } from "./audit-signer.ts";
import { type AuditReader, type ChainHead, readChain, readEvents, readHeads, readMarks } from "./audit-store.ts";
import { type ChainEvidence, type ChainReport, ChainVerifier } from "./verify-chain.ts";

/** An event as it is shown and exported: with its hashes, so that it can be verified anywhere. */
export interface ShownRecord extends AuditRecord {
  readonly prevHash: string;
  readonly hash: string;
}

/** Which events are asked for. */
export interface EventQuery {
  /** One chain, or all when it is empty. */
  readonly chain: string;
  readonly filter: AuditFilter;
  /** From the page before; empty for the first. */
  readonly cursor: string;
  readonly limit: number;
}

/** Some events, newest first. A page may be short, or empty, and still have a next one: a look takes only so long. */
export interface ShownPage {
  readonly items: readonly ShownRecord[];
  readonly nextCursor: string | null;
}

/** Rows read at once: others get their turn in between. */
const rowsAtOnce = 1000;
/** Of a whole chain, which takes long: some milliseconds of verifying. */
const streamedAtOnce = 200;
/** Rows one page looks at. */
const maxScannedRows = 50_000;

/** The newest events that match. The cursor is the id of the last event looked at: stable while events are added. */
export async function findEvents(database: AuditReader, query: EventQuery): Promise<ShownPage> {
  const { chain, filter, limit } = query;
  const matches = compileFilter(filter);
  const items: ShownRecord[] = [];
  let beforeId = query.cursor || upperBound(filter);
  for (let scanned = 0; scanned < maxScannedRows; scanned += rowsAtOnce) {
    const rows = await readEvents(database, { chain, beforeId, limit: rowsAtOnce });
    for (const row of rows) {
      const shown = showRecord(row);
      if (matches(shown)) items.push(shown);
      beforeId = row.eventId;
      if (items.length === limit) return { items, nextCursor: beforeId };
    }
    if (rows.length < rowsAtOnce || isBefore(beforeId, filter)) return { items, nextCursor: null };
    await Bun.sleep(0);
  }
  return { items, nextCursor: beforeId };
}

/** What chains are verified with. */
export interface VerifyingEvidence {
  readonly keys: ChainEvidence["keys"];
  /** Signed heads that were kept elsewhere; none when absent. */
  readonly heads?: readonly AuditMark[];
}

/** Verifies chains of the database against their signed marks and what it says about their ends. */
export async function verifyChains(
  database: AuditReader,
  chains: readonly string[],
  evidence: VerifyingEvidence,
): Promise<readonly ChainReport[]> {
  const reports: ChainReport[] = [];
  for (const chain of chains) reports.push(await verifyChain(database, chain, evidence));
  return reports;
}

/** Where a chain ends and what is signed of it, at one moment. */
export interface ChainState {
  readonly head: ChainHead | undefined;
  readonly marks: readonly AuditMark[];
}

/** Reads the state of a chain. The marks come first: what is signed meanwhile is beyond them, and no mark beyond the head. */
export async function readChainState(database: AuditReader, chain: string): Promise<ChainState> {
  const marks = await readMarks(database, chain);
  return { marks, head: (await readHeads(database)).find((candidate) => candidate.chain === chain) };
}

/** Events of a chain in its order, up to `untilSeq`. */
export async function* streamChain(
  database: AuditReader,
  chain: string,
  untilSeq: number = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<StoredRecord> {
  let afterSeq = 0;
  for (;;) {
    const rows = await readChain(database, chain, { afterSeq, limit: streamedAtOnce });
    for (const row of rows) {
      afterSeq = row.seq;
      if (afterSeq > untilSeq) return;
      yield row;
    }
    if (rows.length < streamedAtOnce) return;
    await Bun.sleep(0);
  }
}

/** An event with its hashes. */
export function showRecord({ body, prevHash, hash }: StoredRecord): ShownRecord {
  return { ...(JSON.parse(body) as AuditRecord), prevHash, hash };
}

async function verifyChain(
  database: AuditReader,
  chain: string,
  { keys, heads = [] }: VerifyingEvidence,
): Promise<ChainReport> {
  const kept = heads.filter((mark) => mark.chain === chain);
  for (;;) {
    const { head, marks } = await readChainState(database, chain);
    const verifier = new ChainVerifier({ chain, marks: [...marks, ...kept], keys });
    // What was added since the head was read is beyond it.
    for await (const row of streamChain(database, chain, head?.seq)) verifier.add(row);
    const report = verifier.finish(head ?? { chain, seq: 0, hash: genesisHash(chain) });
    if (report.problem === undefined || findCut(marks) === findCut((await readChainState(database, chain)).marks)) {
      return report;
    }
    // Retention dropped events while they were read: again, from where the chain begins now.
  }
}

function findCut(marks: readonly AuditMark[]): number {
  return Math.max(0, ...marks.filter(({ kind }) => kind === "cut").map(({ seq }) => seq));
}

function upperBound({ to }: AuditFilter): string {
  return to === undefined ? "" : firstUlidAt(Math.max(0, Date.parse(to)));
}

/** Whether everything with a smaller id is too old for the filter. */
function isBefore(id: string, { from }: AuditFilter): boolean {
  return from !== undefined && id < firstUlidAt(Math.max(0, Date.parse(from)));
}
