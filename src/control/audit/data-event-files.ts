import { type FileHandle, mkdir, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "#kernel/base/clock.ts";
import type { DataEvent } from "#kernel/protocol/data-event.ts";
import { readFileLines } from "../database/read-file-lines.ts";
import { SerialQueue } from "../database/serial-queue.ts";
import type { Log } from "../observe/log.ts";
import { chainHash, genesisHash } from "./audit-record.ts";
import { type AuditMark, type AuditPublicKey, isMarkGenuine } from "./audit-signer.ts";
import type { ChainHead } from "./audit-store.ts";
import { canonicalJson } from "./canonical-json.ts";

/** What the files stand on. */
export interface DataEventFilesOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Below the data folder. */
const folderName = "audit";
/** What signed heads call the chain of all files. */
export const dataEventsChain = "data-events";
const fileName = /^data-events-(\d{4}-\d\d-\d\d)\.jsonl$/;
const dayMs = 86_400_000;
const privateMode = 0o600;
const tailBytes = 65_536;

/** Where the chain ends. */
interface Head {
  readonly day: string;
  /** Bytes of whole lines in the file of the day. */
  readonly length: number;
  readonly seq: number;
  readonly hash: string;
}

/** What the files are verified against, beside themselves. */
export interface DataEventEvidence {
  readonly marks: readonly AuditMark[];
  readonly keys: readonly AuditPublicKey[];
}

/** What verifying the files found. */
export interface DataEventReport {
  readonly eventCount: number;
  /** Where the first wrong event is, and what is wrong with it. */
  readonly problem: string | undefined;
}

/**
 * Requests for objects, a file of JSON Lines per day (UTC), each line chained to the one before by its hash over all files. What is
 * taken is synced. What a crash left of a line that was never acknowledged is cut off.
 */
export class DataEventFiles {
  readonly #options: DataEventFilesOptions;
  readonly #turns = new SerialQueue();
  #head: Head | undefined;
  #isFailing = false;

  constructor(options: DataEventFilesOptions) {
    this.#options = options;
  }

  /**
   * Writes events, and before them that some were lost. Never rejects.
   * @returns false when they could not be written: nothing of them counts
   */
  append(events: readonly DataEvent[], droppedCount: number): Promise<boolean> {
    const { log } = this.#options;
    return this.#turns.run(async () => {
      try {
        await this.#write(events, droppedCount);
        if (this.#isFailing) log.info("Requests for objects are recorded again", {});
        if (droppedCount > 0) log.error("Requests for objects are missing in the audit", { droppedCount });
        this.#isFailing = false;
        return true;
      } catch (error) {
        if (!this.#isFailing) log.error("Requests for objects cannot be recorded", { reason: String(error) });
        this.#isFailing = true;
        return false;
      }
    });
  }

  /** Resolves when what was given is written, or could not be. */
  async settle(): Promise<void> {
    await this.#turns.run(async () => undefined);
  }

  /** Where the chain ends; undefined when nothing was recorded, or that cannot be told. */
  head(): Promise<ChainHead | undefined> {
    return this.#turns.run(async () => {
      try {
        this.#head ??= await findHead(this.#folder());
        const { seq, hash } = this.#head;
        return seq === 0 ? undefined : { chain: dataEventsChain, seq, hash };
      } catch {
        // The next event that is to be written tells of it.
        return undefined;
      }
    });
  }

  /** Days that have a file, oldest first. */
  async days(): Promise<readonly string[]> {
    return listDays(this.#folder());
  }

  /** The lines of a day, those of one tenant if one is given; none when there is no such day. */
  async *read(day: string, tenantId: string | undefined): AsyncGenerator<string> {
    if (!(await this.days()).includes(day)) return;
    for await (const line of readFileLines(join(this.#folder(), nameOf(day)), "leftOut")) {
      if (tenantId === undefined || parseLine(line)?.event["tenantId"] === tenantId) yield `${line}\n`;
    }
  }

  /** Removes the files of days before so many days ago. */
  async dropOld(retentionDays: number): Promise<void> {
    const first = dayOf(this.#options.clock.nowMs() - retentionDays * dayMs);
    for (const day of await this.days()) {
      if (day < first) await rm(join(this.#folder(), nameOf(day)));
    }
  }

  #folder(): string {
    return join(this.#options.dataDir, folderName);
  }

  async #write(events: readonly DataEvent[], droppedCount: number): Promise<void> {
    this.#head ??= await findHead(this.#folder());
    const nowMs = this.#options.clock.nowMs();
    const day = dayOf(nowMs);
    // A clock that was set back does not bring back an earlier day's file.
    const isSameDay = this.#head.day >= day;
    const head = isSameDay ? this.#head : { ...this.#head, day, length: 0 };
    const lost = droppedCount > 0 ? [{ time: timeOf(nowMs), action: "audit:EventsLost", count: droppedCount }] : [];
    let { seq, hash } = head;
    let text = "";
    for (const event of [...lost, ...events.map(render)]) {
      seq += 1;
      const prevHash = hash;
      const body = canonicalJson({ ...event, seq });
      hash = chainHash(prevHash, body);
      text += `{"event":${body},"prevHash":"${prevHash}","hash":"${hash}"}\n`;
    }
    const bytes = Buffer.from(text);
    const file = await this.#open(head.day);
    let length = 0;
    try {
      // What is shorter than it was written was cut by somebody: the chain shows it.
      length = Math.min(head.length, (await file.stat()).size);
      await file.truncate(length);
      await file.writeFile(bytes);
      await file.datasync();
    } finally {
      await file.close();
    }
    this.#head = { day: head.day, length: length + bytes.byteLength, seq, hash };
  }

  /** Positioned at the end by appending; made with its folder, both synced, at the first event of a day. */
  async #open(day: string): Promise<FileHandle> {
    const path = join(this.#folder(), nameOf(day));
    if ((await listDays(this.#folder())).includes(day)) return open(path, "a", privateMode);
    await mkdir(this.#folder(), { recursive: true, mode: 0o700 });
    const file = await open(path, "a", privateMode);
    for (const folder of [this.#folder(), this.#options.dataDir]) {
      const handle = await open(folder, "r");
      await handle.sync().finally(() => handle.close());
    }
    return file;
  }
}

/**
 * Verifies the chain over all files of a data folder, also while a server writes them: a line without its end is none yet. Signed heads
 * show what was cut off its end, or taken out as a whole; of those before the oldest file nothing is said: retention drops files.
 * @returns undefined when there is none, and none was signed
 */
export async function verifyDataEventFiles(
  dataDir: string,
  { marks, keys }: DataEventEvidence = { marks: [], keys: [] },
): Promise<DataEventReport | undefined> {
  const forged = marks.find((mark) => mark.chain !== dataEventsChain || !isMarkGenuine(mark, keys));
  if (forged !== undefined) return { eventCount: 0, problem: `the signature of event ${forged.seq} is not genuine` };
  const heads = new Map(marks.map((mark) => [mark.seq, mark.hash]));
  const folder = join(dataDir, folderName);
  const days = await listDays(folder);
  if (days.length === 0 && heads.size === 0) return undefined;
  let eventCount = 0;
  let last: { readonly hash: string; readonly seq: number } | undefined;
  for (const day of days) {
    let lineNumber = 0;
    for await (const line of readFileLines(join(folder, nameOf(day)), "leftOut")) {
      lineNumber += 1;
      const found = parseLine(line);
      const reason = found === undefined ? "is no event" : (findFault(found, last) ?? findForgery(found, heads));
      if (reason !== undefined) return { eventCount, problem: `${nameOf(day)}, line ${lineNumber}: ${reason}` };
      eventCount += 1;
      last = { hash: found?.hash ?? "", seq: Number(found?.event["seq"]) };
    }
  }
  const [from, to] = [(last?.seq ?? 0) + 1, Math.max(0, ...heads.keys())];
  const isCut = to >= from;
  return {
    eventCount,
    problem: isCut ? `events up to ${to} are missing: a signed head names the last of them` : undefined,
  };
}

/** An event at a signed place is the one that was signed. */
function findForgery({ event, hash }: ParsedLine, heads: ReadonlyMap<number, string>): string | undefined {
  const signed = heads.get(Number(event["seq"]));
  return signed === undefined || signed === hash ? undefined : "is not the event whose hash was signed";
}

interface ParsedLine {
  readonly event: Readonly<Record<string, unknown>>;
  readonly prevHash: string;
  readonly hash: string;
}

/** The oldest file's first event follows one that retention may have dropped. */
function findFault(
  { event, prevHash, hash }: ParsedLine,
  last: { readonly hash: string; readonly seq: number } | undefined,
): string | undefined {
  if (chainHash(prevHash, canonicalJson(event)) !== hash) return "was changed";
  if (last === undefined) return undefined;
  return prevHash === last.hash && event["seq"] === last.seq + 1 ? undefined : "does not follow the event before it";
}

function parseLine(line: string): ParsedLine | undefined {
  try {
    const { event, prevHash, hash } = JSON.parse(line);
    const isRight =
      typeof event === "object" && event !== null && typeof prevHash === "string" && typeof hash === "string";
    return isRight ? { event, prevHash, hash } : undefined;
  } catch {
    return undefined;
  }
}

/** The end of the newest file, up to its last whole line. @throws Error when that line is no event */
async function findHead(folder: string): Promise<Head> {
  const day = (await listDays(folder)).at(-1);
  if (day === undefined) return { day: "", length: 0, seq: 0, hash: genesisHash(dataEventsChain) };
  const file = await open(join(folder, nameOf(day)), "r");
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - tailBytes);
    const tail = Buffer.alloc(size - start);
    await file.read(tail, 0, tail.length, start);
    const end = tail.lastIndexOf(10) + 1;
    const first = tail.lastIndexOf(10, end - 2) + 1;
    if (end === 0 && start === 0) return await findHeadBefore(folder, day);
    if (end === 0) throw new Error(`The last ${tailBytes} bytes of ${nameOf(day)} hold no whole line`);
    const found = parseLine(tail.toString("utf8", first, end));
    if (found === undefined) throw new Error(`The last line of ${nameOf(day)} is no event`);
    return { day, length: start + end, seq: Number(found.event["seq"]), hash: found.hash };
  } finally {
    await file.close();
  }
}

/** A crash left a file without a whole line: the chain ends in the one before it. */
async function findHeadBefore(folder: string, day: string): Promise<Head> {
  await rm(join(folder, nameOf(day)));
  return findHead(folder);
}

async function listDays(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.flatMap((name) => fileName.exec(name)?.[1] ?? []).toSorted();
}

function render({ timeMs, tenantId, actor, action, bucket, bucketId, key, status, ...rest }: DataEvent): object {
  const arn = bucket === undefined ? undefined : `arn:aws:s3:::${bucket}${key === undefined ? "" : `/${key}`}`;
  return {
    time: timeOf(timeMs),
    tenantId,
    actor: actor === null ? { kind: "anonymous" } : { kind: "user", ...actor },
    action,
    resource: { kind: key === undefined ? "bucket" : "object", ...(arn && { arn }), ...(bucketId && { bucketId }) },
    outcome: outcomeOf(status),
    status,
    ...rest,
    via: "s3",
  };
}

function outcomeOf(status: number): string {
  if (status === 401 || status === 403) return "denied";
  return status >= 400 ? "error" : "success";
}

function timeOf(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function dayOf(timeMs: number): string {
  return timeOf(timeMs).slice(0, 10);
}

function nameOf(day: string): string {
  return `data-events-${day}.jsonl`;
}
