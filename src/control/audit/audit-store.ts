import type { ControlQueries, SqlRow } from "../database/control-database.ts";
import { readInteger, readText } from "../database/row-values.ts";
import type { BlockedChain } from "./audit-blocked-error.ts";
import type { StoredRecord } from "./audit-record.ts";
import type { AuditMark, AuditPublicKey } from "./audit-signer.ts";

/** What reading events needs of a database. */
export type AuditReader = Pick<ControlQueries, "all">;

/** Where a chain ends: `seq` 0 before its first event. */
export interface ChainHead {
  readonly chain: string;
  readonly seq: number;
  readonly hash: string;
}

/** A part of the events: of one chain, or of all when it is empty. */
export interface EventPage {
  readonly chain: string;
  /** Only events with a smaller id; empty for the newest. */
  readonly beforeId: string;
  readonly limit: number;
}

const EVENT = "chain, seq, event_id, body, prev_hash, hash";
const MARK = "chain, kind, seq, hash, time_ms, key_id, signature";
/** Above every ULID. */
const lastId = "~";

/** Takes the next place in a chain; the row stays locked until the transaction ends. @returns the head before it */
export async function advanceChain(queries: ControlQueries, chain: string, genesis: string): Promise<ChainHead> {
  await queries.run("INSERT INTO audit_chains (chain, seq, hash) VALUES ($1, 0, $2) ON CONFLICT (chain) DO NOTHING", [
    chain,
    genesis,
  ]);
  await queries.run("UPDATE audit_chains SET seq = seq + 1 WHERE chain = $1", [chain]);
  const [row] = await queries.all("SELECT chain, seq, hash FROM audit_chains WHERE chain = $1", [chain]);
  if (row === undefined) throw new Error("A chain of audit events is gone");
  const head = readHead(row);
  return { ...head, seq: head.seq - 1 };
}

/** Place of the first event of a chain at or behind a place; undefined when there is none. */
export async function findTakenPlace(queries: AuditReader, chain: string, seq: number): Promise<number | undefined> {
  const sql = "SELECT seq FROM audit_events WHERE chain = $1 AND seq >= $2 ORDER BY seq LIMIT 1";
  const [row] = await queries.all(sql, [chain, seq]);
  return row && readInteger(row, "seq");
}

/** Chains that say they end before their last event, at most 10. */
export async function findBlockedChains(queries: AuditReader): Promise<readonly BlockedChain[]> {
  const rows = await queries.all(
    `SELECT c.chain, c.seq, (SELECT min(e.seq) FROM audit_events e WHERE e.chain = c.chain AND e.seq > c.seq) AS taken_seq
       FROM audit_chains c
       WHERE EXISTS (SELECT e.seq FROM audit_events e WHERE e.chain = c.chain AND e.seq > c.seq) ORDER BY c.chain LIMIT 10`,
  );
  return rows.map((row) => ({ ...pickPlace(row), takenSeq: readInteger(row, "taken_seq") }));
}

/** Stores an event and makes it the head of its chain. */
export async function insertEvent(queries: ControlQueries, record: StoredRecord): Promise<void> {
  const { chain, seq, eventId, body, prevHash, hash } = record;
  await queries.run(
    `INSERT INTO audit_events (chain, seq, event_id, body, prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6)`,
    [chain, seq, eventId, body, prevHash, hash],
  );
  await queries.run("UPDATE audit_chains SET hash = $1 WHERE chain = $2", [hash, chain]);
}

/** Every chain's head, by name. */
export async function readHeads(queries: AuditReader): Promise<readonly ChainHead[]> {
  return (await queries.all("SELECT chain, seq, hash FROM audit_chains ORDER BY chain")).map(readHead);
}

/** Every chain that has an end or events, by name. */
export async function readChainNames(queries: AuditReader): Promise<readonly string[]> {
  const sql = "SELECT chain FROM audit_chains UNION SELECT chain FROM audit_events ORDER BY chain";
  return (await queries.all(sql)).map((row) => readText(row, "chain"));
}

/** Events from the newest on. */
export async function readEvents(
  queries: AuditReader,
  { chain, beforeId, limit }: EventPage,
): Promise<readonly StoredRecord[]> {
  const before = beforeId === "" ? lastId : beforeId;
  const rows =
    chain === ""
      ? await queries.all(`SELECT ${EVENT} FROM audit_events WHERE event_id < $1 ORDER BY event_id DESC LIMIT $2`, [
          before,
          limit,
        ])
      : await queries.all(
          `SELECT ${EVENT} FROM audit_events WHERE chain = $1 AND event_id < $2 ORDER BY event_id DESC LIMIT $3`,
          [chain, before, limit],
        );
  return rows.map(readRecord);
}

/** Events of one chain in its order, after `seq`. */
export async function readChain(
  queries: AuditReader,
  chain: string,
  { afterSeq, limit }: { readonly afterSeq: number; readonly limit: number },
): Promise<readonly StoredRecord[]> {
  const sql = `SELECT ${EVENT} FROM audit_events WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT $3`;
  return (await queries.all(sql, [chain, afterSeq, limit])).map(readRecord);
}

/** The last event of a chain's beginning in which every id is smaller; undefined when its first one is not. */
export async function findLastBefore(
  queries: AuditReader,
  chain: string,
  id: string,
): Promise<StoredRecord | undefined> {
  const [row] = await queries.all(
    `SELECT ${EVENT} FROM audit_events WHERE chain = $1 AND event_id < $2 ORDER BY event_id DESC LIMIT 1`,
    [chain, id],
  );
  return row && readRecord(row);
}

/** Drops the events of a chain up to `seq`, and the marks before it. @returns how many events */
export async function dropUpTo(queries: ControlQueries, chain: string, seq: number): Promise<number> {
  await queries.run("DELETE FROM audit_marks WHERE chain = $1 AND seq <= $2", [chain, seq]);
  return queries.run("DELETE FROM audit_events WHERE chain = $1 AND seq <= $2", [chain, seq]);
}

/** Drops the marks of a chain that were made before a time. */
export async function dropMarksBefore(
  queries: Pick<ControlQueries, "run">,
  chain: string,
  timeMs: number,
): Promise<void> {
  await queries.run("DELETE FROM audit_marks WHERE chain = $1 AND time_ms < $2", [chain, timeMs]);
}

/** Marks of one chain, by place. */
export async function readMarks(queries: AuditReader, chain: string): Promise<readonly AuditMark[]> {
  const rows = await queries.all(`SELECT ${MARK} FROM audit_marks WHERE chain = $1 ORDER BY seq`, [chain]);
  return rows.map((row) => ({
    chain: readText(row, "chain"),
    kind: readText(row, "kind") === "cut" ? "cut" : "head",
    seq: readInteger(row, "seq"),
    hash: readText(row, "hash"),
    timeMs: readInteger(row, "time_ms"),
    keyId: readText(row, "key_id"),
    signature: readText(row, "signature"),
  }));
}

/** Stores a mark; one at the same place stays as it is. */
export async function insertMark(queries: ControlQueries, mark: AuditMark): Promise<void> {
  await queries.run(
    `INSERT INTO audit_marks (chain, kind, seq, hash, time_ms, key_id, signature) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (chain, kind, seq) DO NOTHING`,
    [mark.chain, mark.kind, mark.seq, mark.hash, mark.timeMs, mark.keyId, mark.signature],
  );
}

/** The newest time of a mark of this kind, ms; 0 when there is none. */
export async function readLastMarkTime(queries: AuditReader, kind: AuditMark["kind"]): Promise<number> {
  const [row] = await queries.all("SELECT coalesce(max(time_ms), 0) AS last_ms FROM audit_marks WHERE kind = $1", [
    kind,
  ]);
  return row === undefined ? 0 : readInteger(row, "last_ms");
}

/** A signing key as it is stored. */
export interface StoredAuditKey extends AuditPublicKey {
  readonly sealedSeed: string;
}

/** All signing keys, newest last. */
export async function readKeys(queries: AuditReader): Promise<readonly StoredAuditKey[]> {
  const rows = await queries.all("SELECT key_id, public_key, sealed_seed FROM audit_keys ORDER BY created_at_ms");
  return rows.map((row) => ({
    keyId: readText(row, "key_id"),
    publicKey: readText(row, "public_key"),
    sealedSeed: readText(row, "sealed_seed"),
  }));
}

/** Stores a signing key. */
export async function insertKey(queries: ControlQueries, key: StoredAuditKey, createdAtMs: number): Promise<void> {
  await queries.run("INSERT INTO audit_keys (key_id, public_key, sealed_seed, created_at_ms) VALUES ($1, $2, $3, $4)", [
    key.keyId,
    key.publicKey,
    key.sealedSeed,
    createdAtMs,
  ]);
}

function readHead(row: SqlRow): ChainHead {
  return { ...pickPlace(row), hash: readText(row, "hash") };
}

function pickPlace(row: SqlRow): Pick<ChainHead, "chain" | "seq"> {
  return { chain: readText(row, "chain"), seq: readInteger(row, "seq") };
}

function readRecord(row: SqlRow): StoredRecord {
  return {
    chain: readText(row, "chain"),
    seq: readInteger(row, "seq"),
    eventId: readText(row, "event_id"),
    body: readText(row, "body"),
    prevHash: readText(row, "prev_hash"),
    hash: readText(row, "hash"),
  };
}
