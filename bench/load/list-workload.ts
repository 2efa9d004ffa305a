import type { Exchange } from "./exchange.ts";
import { folderKey, type LoadPlan, type LoadWork } from "./load-plan.ts";
import { RandomIndex } from "./random-index.ts";
import { emptySha256, type RequestSigner } from "./request-signer.ts";
import { signerOf } from "./signed-targets.ts";
import type { Workload } from "./workload.ts";

/** Where one connection is in its walk. */
interface Walk {
  /** Key or folder number the next page begins with. */
  next: number;
  /** Continuation token as received, XML entities resolved; empty at the start of a walk. */
  token: string;
}

const tokenOpen = Buffer.from("<NextContinuationToken>");
const keyOpen = Buffer.from("<Key>");
const folderOpen = Buffer.from("<CommonPrefixes><Prefix>");
const truncated = Buffer.from("<IsTruncated>true</IsTruncated>");
const folderDigits = 5;
const keyDigits = 7;
/** Bytes before the digits that count: `f`, or `f00012/`. */
const folderLead = 1;
const keyLead = 1 + folderDigits + 1;

/**
 * Walks a bucket of the layout `folders` with ListObjectsV2: each connection starts behind a random page boundary and
 * follows the continuation tokens to the end. Every name on every page must be the next one. Requests are signed as they
 * are made, for a token is known only then.
 */
export class ListWorkload implements Workload {
  readonly #signer: RequestSigner;
  readonly #work: Extract<LoadWork, { kind: "list" }>;
  readonly #path: string;
  readonly #keysPerFolder: number;
  /** Names in the whole listing: keys, or folders. */
  readonly #nameCount: number;
  readonly #random = new RandomIndex(3);
  readonly #walks: Walk[] = [];

  constructor(plan: LoadPlan, work: Extract<LoadWork, { kind: "list" }>) {
    this.#signer = signerOf(plan);
    this.#work = work;
    this.#path = `/${plan.bucket}`;
    this.#keysPerFolder = work.layout.kind === "folders" ? work.layout.keysPerFolder : 1;
    this.#nameCount = work.byFolder ? Math.ceil(work.keyCount / this.#keysPerFolder) : work.keyCount;
    for (let index = 0; index < plan.connections; index += 1)
      this.#walks.push({ next: this.#randomStart(), token: "" });
  }

  prepare(): boolean {
    return true;
  }

  next(exchange: Exchange): boolean {
    const walk = this.#walkOf(exchange);
    const query = this.#queryOf(walk);
    const head = this.#signer.signHead({ method: "GET", path: this.#path, query, sha256: emptySha256 });
    exchange.reset("ListObjectsV2", Buffer.from(head, "latin1"));
    exchange.keepBody = true;
    exchange.index = walk.next;
    return true;
  }

  settle(exchange: Exchange): string {
    const page = exchange.kept.subarray(0, exchange.keptBytes);
    const walk = this.#walkOf(exchange);
    const wantedCount = Math.min(this.#work.pageSize, this.#nameCount - walk.next);
    const count = this.#countInOrder(page, walk.next);
    const more = walk.next + wantedCount < this.#nameCount;
    const token = more ? tokenOf(page) : "";
    walk.next = more ? walk.next + wantedCount : this.#randomStart();
    walk.token = token;
    if (count !== wantedCount) return `Page has ${count} names in order, wanted ${wantedCount}`;
    if (page.includes(truncated) !== more) return `IsTruncated is not ${more}`;
    if (more && token === "") return "No continuation token";
    return "";
  }

  fail(exchange: Exchange): void {
    const walk = this.#walkOf(exchange);
    walk.next = this.#randomStart();
    walk.token = "";
  }

  #walkOf(exchange: Exchange): Walk {
    const walk = this.#walks[exchange.connection];
    if (walk === undefined) throw new RangeError(`No walk for connection ${exchange.connection}`);
    return walk;
  }

  /** A multiple of the page size, so that short pages are as rare in a small bucket as in a large one. */
  #randomStart(): number {
    const fullPages = Math.max(1, Math.floor(this.#nameCount / this.#work.pageSize));
    return this.#random.below(fullPages) * this.#work.pageSize;
  }

  #queryOf(walk: Walk): string {
    const delimiter = this.#work.byFolder ? "delimiter=%2F&" : "";
    const page = `${delimiter}list-type=2&max-keys=${this.#work.pageSize}`;
    if (walk.token !== "") return `continuation-token=${encodeValue(walk.token)}&${page}`;
    if (walk.next === 0) return page;
    const before = this.#work.byFolder ? walk.next * this.#keysPerFolder - 1 : walk.next - 1;
    return `${page}&start-after=${encodeValue(folderKey(before, this.#keysPerFolder))}`;
  }

  /** Names that follow one another from number `first` on; -1 at the first that is not the next one. */
  #countInOrder(page: Buffer, first: number): number {
    const { byFolder } = this.#work;
    const marker = byFolder ? folderOpen : keyOpen;
    const lead = marker.length + (byFolder ? folderLead : keyLead);
    const digits = byFolder ? folderDigits : keyDigits;
    let count = 0;
    let at = page.indexOf(marker);
    while (at >= 0) {
      if (numberAt(page, at + lead, digits) !== first + count) return -1;
      count += 1;
      at = page.indexOf(marker, at + lead + digits);
    }
    return count;
  }
}

function numberAt(page: Buffer, start: number, digits: number): number {
  let value = 0;
  for (let at = start; at < start + digits; at += 1) value = value * 10 + ((page[at] ?? 0) - 0x30);
  return value;
}

function tokenOf(page: Buffer): string {
  const start = page.indexOf(tokenOpen);
  if (start < 0) return "";
  const end = page.indexOf("<", start + tokenOpen.length);
  const text = page.toString("latin1", start + tokenOpen.length, end);
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}

/** Percent-encoding of SigV4's canonical query: everything but unreserved characters. */
function encodeValue(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}
