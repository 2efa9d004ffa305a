import { bodyMatches, type ObjectBody } from "./object-body.ts";

/** The S3 operations a load consists of. */
export type LoadOperation = "PutObject" | "GetObject" | "HeadObject" | "DeleteObject" | "ListObjectsV2";

const noBytes = Buffer.alloc(0);

/** Grows by doubling up to this size: a page of 1,000 long keys is about 1.5 MiB. */
const keptLimitBytes = 8 * 1024 * 1024;

/**
 * One request and what its answer must be. Each connection has one and fills it anew for each request, so that a request
 * in the timed window allocates nothing here.
 */
export class Exchange {
  /** Position of the connection, from 0. */
  readonly connection: number;
  operation: LoadOperation = "GetObject";
  /** The signed head: bytes `headStart` to `headEnd` of `head`. */
  head: Buffer = noBytes;
  headStart = 0;
  headEnd = 0;
  /** Sent after the head. */
  upload: ObjectBody | undefined;
  expectedStatus = 200;
  /** The body of the answer must be this one. */
  download: ObjectBody | undefined;
  /** The answer's `etag` must be this one; empty for any. */
  expectedEtag = "";
  /** The answer's body is gathered in `kept`: listings, and errors for the report. */
  keepBody = false;
  /** For the workload's own use: the key's number. */
  index = 0;
  /** True once a piece of the body differed from `download`. */
  damaged = false;
  kept: Buffer = Buffer.allocUnsafe(4096);
  keptBytes = 0;

  constructor(connection: number) {
    this.connection = connection;
  }

  /** Points the exchange at the signed head and clears everything else. */
  reset(operation: LoadOperation, head: Buffer): void {
    this.operation = operation;
    this.head = head;
    this.headStart = 0;
    this.headEnd = head.length;
    this.upload = undefined;
    this.expectedStatus = 200;
    this.download = undefined;
    this.expectedEtag = "";
    this.keepBody = false;
    this.damaged = false;
    this.keptBytes = 0;
  }

  /** Checks or keeps a piece of the answer's body. `status` is the answer's. */
  takeBody(status: number, piece: Uint8Array, offset: number): void {
    if (status !== this.expectedStatus || this.keepBody) this.#keep(piece);
    else if (this.download === undefined) this.damaged = true;
    else if (!bodyMatches(this.download, offset, piece)) this.damaged = true;
  }

  #keep(piece: Uint8Array): void {
    const wanted = this.keptBytes + piece.length;
    if (wanted > keptLimitBytes) {
      this.damaged = true;
      return;
    }
    if (wanted > this.kept.length) {
      const larger = Buffer.allocUnsafe(Math.max(wanted, this.kept.length * 2));
      this.kept.copy(larger, 0, 0, this.keptBytes);
      this.kept = larger;
    }
    this.kept.set(piece, this.keptBytes);
    this.keptBytes = wanted;
  }
}
