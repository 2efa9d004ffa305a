import { createHash } from "node:crypto";
import type { AuditEvent } from "./audit-event.ts";
import { canonicalJson } from "./canonical-json.ts";

/** The chain of what belongs to no tenant; every other chain is called by its tenant's id. */
export const serverChain = "server";

/** An event in its place. Its canonical JSON, without the two hashes, is what is hashed. */
export interface AuditRecord extends AuditEvent {
  readonly chain: string;
  /** Place in the chain: 1, 2, 3 ... without gaps. */
  readonly seq: number;
  /** ULID; later events have greater ones, over all chains. */
  readonly id: string;
  /** RFC 3339 with microseconds, UTC. */
  readonly time: string;
  /** Of equal denials: how many, and when the first of them was. */
  readonly count?: number;
  readonly since?: string;
}

/** A record as it is stored: `body` is its canonical JSON. Hashes are 64 hex digits. */
export interface StoredRecord {
  readonly chain: string;
  readonly seq: number;
  readonly eventId: string;
  readonly body: string;
  readonly prevHash: string;
  readonly hash: string;
}

/** Longest text of an event, in UTF-16 units; what is longer is cut. */
const maxTextLength = 4096;
const maxItems = 1000;
const maxDepth = 8;

/** What stands before the first event of a chain. */
export function genesisHash(chain: string): string {
  return sha256(`maxiofs/audit/1/${chain}`);
}

/** The hash of a record: over the hash before it, then over its body. */
export function chainHash(prevHash: string, body: string): string {
  return sha256(`${prevHash}${body}`);
}

/** Places a record in its chain. Texts that a client chose are cut to a length. */
export function sealRecord(record: AuditRecord, prevHash: string): StoredRecord {
  const body = canonicalJson(limitValue(record, 0));
  const { chain, seq, id: eventId } = record;
  return { chain, seq, eventId, body, prevHash, hash: chainHash(prevHash, body) };
}

/** A time of an event. @param timeMs milliseconds since 1970 */
export function renderAuditTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace("Z", "000Z");
}

function limitValue(value: unknown, depth: number): unknown {
  if (typeof value === "string") return value.length <= maxTextLength ? value : `${value.slice(0, maxTextLength)}...`;
  if (typeof value !== "object" || value === null) return value;
  if (depth >= maxDepth) return "...";
  if (Array.isArray(value)) return value.slice(0, maxItems).map((item) => limitValue(item, depth + 1));
  const entries = Object.entries(value).slice(0, maxItems);
  return Object.fromEntries(entries.map(([name, member]) => [name, limitValue(member, depth + 1)]));
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
