import type { BucketClient } from "./bucket-client.ts";
import { absent, fingerprint, type KeyState, type Ledger } from "./kill-loop-ledger.ts";
import { createUpload, type ListedPart, type MultipartUpload, minPartBytes } from "./multipart-upload.ts";
import { isConnectionLoss } from "./raw-connection.ts";
import type { S3Response } from "./s3-client.ts";
import { seededBytes } from "./test-data.ts";

/** A completion whose outcome nobody knows: sent again, it must answer 200. */
interface OpenCompletion {
  readonly upload: MultipartUpload;
  readonly parts: readonly ListedPart[];
  readonly state: KeyState;
}

/** One client of the kill loop: owns its keys, writes one after the other, remembers what was acknowledged. */
export class KillLoopWriter {
  readonly #bucket: BucketClient;
  readonly #ledger: Ledger;
  readonly #name: string;
  readonly #random: () => number;
  /** Answers that were neither success nor a cut connection. */
  readonly problems: string[] = [];
  #openCompletion: OpenCompletion | undefined;

  constructor(bucket: BucketClient, ledger: Ledger, options: { readonly name: string; readonly random: () => number }) {
    this.#bucket = bucket;
    this.#ledger = ledger;
    this.#name = options.name;
    this.#random = options.random;
  }

  /** Writes until the connection is cut or `isStopped` says so. */
  async run(isStopped: () => boolean): Promise<void> {
    try {
      while (!isStopped()) await this.#step();
    } catch (error) {
      // After a kill what was begun has an unknown outcome, which the ledger knows; any other error is a finding.
      if (!isConnectionLoss(error)) this.problems.push(`${this.#name}: ${String(error)}`);
    }
  }

  /** After a restart: a completion that was cut off is repeated and must succeed. */
  async finishCompletion(): Promise<void> {
    const open = this.#openCompletion;
    if (open === undefined) return;
    this.#openCompletion = undefined;
    const answer = await open.upload.complete(open.parts);
    if (this.#accept(answer, `repeated completion of ${open.upload.key}`)) {
      this.#ledger.acknowledge(open.upload.key, open.state);
    }
  }

  async #step(): Promise<void> {
    const key = `${this.#name}/${Math.floor(this.#random() * 6)}`;
    const choice = this.#random();
    if (choice < 0.35) return this.#put(key, 1 + Math.floor(this.#random() * 8000));
    if (choice < 0.6) return this.#put(key, 100_000 + Math.floor(this.#random() * 900_000));
    if (choice < 0.75) return this.#delete(key);
    if (choice < 0.9) return this.#copy(key);
    return this.#multipart(key);
  }

  async #put(key: string, sizeBytes: number): Promise<void> {
    const body = this.#body(sizeBytes);
    const state = fingerprint(body);
    this.#ledger.begin(key, state);
    const answer = await this.#bucket.put(key, body);
    if (this.#accept(answer, `put of ${key}`)) this.#ledger.acknowledge(key, state);
  }

  async #delete(key: string): Promise<void> {
    this.#ledger.begin(key, absent);
    const answer = await this.#bucket.delete(key);
    if (this.#accept(answer, `delete of ${key}`)) this.#ledger.acknowledge(key, absent);
  }

  async #copy(key: string): Promise<void> {
    const source = this.#ledger
      .keys()
      .find((one) => one.startsWith(`${this.#name}/`) && one !== key && this.#holdsBody(one));
    if (source === undefined) return;
    const [state = absent] = this.#ledger.allowed(source);
    this.#ledger.begin(key, state);
    const answer = await this.#bucket.put(key, "", { "x-amz-copy-source": `${this.#bucket.name}/${source}` });
    if (this.#accept(answer, `copy ${source} to ${key}`)) this.#ledger.acknowledge(key, state);
  }

  async #multipart(key: string): Promise<void> {
    const isLarge = this.#random() < 0.3;
    const bodies = [
      ...(isLarge ? [this.#body(minPartBytes)] : []),
      this.#body(1 + Math.floor(this.#random() * 300_000)),
    ];
    const upload = await createUpload(this.#bucket, key);
    const parts: ListedPart[] = [];
    for (const [index, body] of bodies.entries()) {
      const answer = await upload.put(index + 1, body);
      if (!this.#accept(answer, `part of ${key}`)) return;
      parts.push({ number: index + 1, etag: answer.headers["etag"] ?? "" });
    }
    const state = fingerprint(Buffer.concat(bodies));
    this.#ledger.begin(key, state);
    this.#openCompletion = { upload, parts, state };
    const answer = await upload.complete(parts);
    this.#openCompletion = undefined;
    if (this.#accept(answer, `complete ${key}`)) this.#ledger.acknowledge(key, state);
  }

  #holdsBody(key: string): boolean {
    const [state, ...others] = this.#ledger.allowed(key);
    return state !== absent && others.length === 0;
  }

  #body(sizeBytes: number): Buffer {
    return seededBytes(sizeBytes, Math.floor(this.#random() * 2 ** 31));
  }

  #accept(answer: S3Response, what: string): boolean {
    if (answer.status === 200 || answer.status === 204) return true;
    this.problems.push(`${what} answered ${answer.status} ${answer.code}`);
    return false;
  }
}
