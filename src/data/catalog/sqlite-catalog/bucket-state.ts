import { msToHlc } from "../version-id.ts";
import { checksumState } from "./row-checksum.ts";
import type { WriterStatements } from "./statements.ts";

/** Versioning of a bucket, as its catalog knows it. */
export const versioningState = { never: 0, enabled: 1, suspended: 2 } as const;

/** Numbers of a bucket, in the order of their checksum; it is stored beside them as `crc`. */
export const stateNames = [
  "seq",
  "hlc",
  "nextDetailId",
  "objects",
  "versions",
  "bytes",
  "partBytes",
  "openUploads",
  "versioning",
  "closed",
] as const;
/** Name of one of them. */
export type StateName = (typeof stateNames)[number];

/**
 * The numbers of one bucket: held in memory by the writer, stored with each commit, put back when a commit fails.
 * `objects` current keys, `versions` and `bytes` all live versions, `partBytes` bytes of parts of open uploads.
 */
export class BucketState {
  readonly #statements: WriterStatements;
  readonly #stored: Record<StateName, number>;
  readonly now: Record<StateName, number>;

  constructor(statements: WriterStatements) {
    this.#statements = statements;
    this.#stored = toNumbers(statements.readState.values() as [string, number][]);
    this.now = { ...this.#stored };
  }

  /** Number of the commit being made; gapless. */
  nextSeq(): number {
    this.now.seq += 1;
    return this.now.seq;
  }

  /** The next place in the order of versions: never before the wall clock, never twice, below 2^53. */
  nextHlc(nowMs: number): number {
    this.now.hlc = Math.max(msToHlc(nowMs), this.now.hlc + 1);
    return this.now.hlc;
  }

  nextDetailId(): number {
    const id = this.now.nextDetailId;
    this.now.nextDetailId += 1;
    return id;
  }

  /** Commit number before the batch that is being applied. */
  get storedSeq(): number {
    return this.#stored.seq;
  }

  /** Writes all numbers with one statement, in the order of `stateNames`; inside the transaction. */
  store(): void {
    const numbers = stateNames.map((name) => this.now[name]);
    this.#statements.writeState.run(...numbers, checksumState(numbers));
  }

  /** After the commit. */
  keep(): void {
    Object.assign(this.#stored, this.now);
  }

  /** After a rollback. */
  restore(): void {
    Object.assign(this.now, this.#stored);
  }
}

/** The numbers of stored rows; what was never stored is as in an empty bucket. Other names are passed over. */
export function toNumbers(rows: readonly (readonly [name: string, value: number])[]): Record<StateName, number> {
  const numbers = {
    seq: 0,
    hlc: 0,
    nextDetailId: 1,
    objects: 0,
    versions: 0,
    bytes: 0,
    partBytes: 0,
    openUploads: 0,
    versioning: 0,
    closed: 0,
  };
  const byName = new Map(rows);
  for (const name of stateNames) numbers[name] = byName.get(name) ?? numbers[name];
  return numbers;
}
