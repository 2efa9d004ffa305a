import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { BlobFacts } from "#data/blobs/blobs.ts";
import { BufferPool } from "#data/blobs/buffer-pool.ts";
import { nodeDisk } from "#data/blobs/disk.ts";
import { DiskBlobs } from "#data/blobs/disk-blobs/disk-blobs.ts";
import { ChangeSlots, createChangeTable } from "#data/cache/change-slots.ts";
import type { BucketWriter } from "#data/catalog/sqlite-catalog/bucket-writer.ts";
import { createCatalog } from "#data/catalog/sqlite-catalog/open-catalog.ts";
import { readUsage } from "#data/catalog/sqlite-catalog/read-usage.ts";
import { sealInline } from "#data/crypto/inline-body.ts";
import { keyIdentity, makeDataKey, ObjectKeyRing, sealKey, type WrappedKey } from "#data/crypto/object-key-ring.ts";
import type { ObjectMeta, UploadMeta } from "#data/object-meta.ts";
import { UsageLedger } from "#data/quota/usage-ledger.ts";
import { createUsageTable, UsageTable } from "#data/quota/usage-table.ts";
import { GroupCommit } from "#data/writer/group-commit.ts";
import { randomBytes } from "#kernel/base/random.ts";
import type { CatalogProblem, CatalogProblemSink } from "#kernel/protocol/catalog-problem.ts";
import type { Mutation, MutationResult, PutBytes, PutMutation } from "#kernel/protocol/mutation.ts";
import type { KeyEncryptionKey } from "#kernel/protocol/to-data.ts";
import { FakeClock } from "./fake-clock.ts";
import { scratchParent } from "./power-loss/scratch-parent.ts";

const partBytes = 1;
const noConditions = { conditions: null, requestId: "TEST", principal: "test" };

/** A blob that is finished and that no row names yet. */
export interface FinishedBlob {
  readonly blobId: string;
  readonly sizeBytes: number;
}

/** A data folder with buckets whose objects are really encrypted, written by the writer's own code, without threads. */
export class ScratchBucket {
  readonly dataDir = mkdtempSync(join(scratchParent(), "maxiofs-scratch-"));
  readonly bucketId: string;
  readonly clock = new FakeClock();
  readonly keys: readonly KeyEncryptionKey[] = [{ version: 1, key: randomBytes(32) }];
  readonly ring = new ObjectKeyRing(this.keys);
  readonly pool = new BufferPool(8);
  readonly blobs = new DiskBlobs({ disk: nodeDisk, pool: this.pool, dataDir: this.dataDir });
  readonly warnings: string[] = [];
  /** Of the lines of `warnings`. */
  readonly warningFields: Readonly<Record<string, string | number | boolean>>[] = [];
  readonly problems: CatalogProblem[] = [];
  /** Takes what the writer's parts find wrong. */
  readonly problemSink: CatalogProblemSink = {
    report: (problem) => void this.problems.push(problem),
    settle: (bucketId) => {
      for (const [index, each] of this.problems.entries())
        if (each.bucketId === bucketId && each.kind === "lost") this.problems.splice(index, 1);
    },
  };
  /** What the group commit gives up on a full disk. */
  giveUpBallast = (): boolean => false;
  readonly usage = new UsageLedger({
    table: new UsageTable(createUsageTable()),
    read: (bucketId) => readUsage(this.dataDir, bucketId),
    monotonicMs: () => this.clock.monotonicMs(),
  });
  readonly commits: GroupCommit;

  /** @param versioning 0 never, 1 enabled, 2 suspended */
  constructor(bucketId = "bucket", versioning = 0) {
    this.bucketId = bucketId;
    createCatalog(this.dataDir, bucketId);
    this.commits = new GroupCommit({
      dataDir: this.dataDir,
      clock: this.clock,
      minPartBytes: partBytes,
      changes: new ChangeSlots(createChangeTable()),
      observe: () => {},
      warn: (message, fields) => {
        this.warnings.push(message);
        this.warningFields.push(fields);
      },
      problems: this.problemSink,
      giveUpBallast: () => this.giveUpBallast(),
      usage: this.usage,
    });
    if (versioning !== 0) this.writer.setVersioning(versioning);
  }

  get writer(): BucketWriter {
    return this.commits.writerOf(this.bucketId);
  }

  /** Commits one mutation in a transaction of its own. */
  commit(mutation: Mutation, bytes: Uint8Array = new Uint8Array()): MutationResult {
    const [result] = this.writer.commit([{ mutation, bytes }]);
    if (!result) throw new Error("No result");
    return result;
  }

  /** A put of a body that is stored in the catalog. */
  putInline(key: string, plaintext: Uint8Array, change: Partial<PutMutation> = {}): MutationResult {
    const dataKey = makeDataKey();
    const sealed = sealInline(dataKey, plaintext);
    const bytes: PutBytes = { kind: "inline", slice: [0, sealed.length] };
    const wrapped = this.ring.wrap(dataKey, keyIdentity(this.bucketId, key));
    return this.commit({ ...this.makePut(key, wrapped), sizeBytes: plaintext.length, bytes, ...change }, sealed);
  }

  /** A put of a body under a client's own key. */
  putInlineForClient(key: string, plaintext: Uint8Array): MutationResult {
    const dataKey = makeDataKey();
    const sealed = sealInline(dataKey, plaintext);
    const wrapped = { version: 0, sealed: sealKey(randomBytes(32), dataKey, keyIdentity(this.bucketId, key)) };
    const bytes: PutBytes = { kind: "inline", slice: [0, sealed.length] };
    return this.commit({ ...this.makePut(key, wrapped), sizeBytes: plaintext.length, bytes }, sealed);
  }

  /** A put of a body that is stored in a blob. */
  async putBlob(key: string, plaintext: Uint8Array): Promise<MutationResult> {
    const dataKey = makeDataKey();
    const wrapped = this.ring.wrap(dataKey, keyIdentity(this.bucketId, key));
    const blob = await this.writeBlob(plaintext, dataKey, {
      bucketId: this.bucketId,
      key,
      wrappedKey: wrapped,
      etag: "e",
    });
    return this.commit({ ...this.makePut(key, wrapped), sizeBytes: plaintext.length, bytes: { kind: "blob", blob } });
  }

  /** Adds a blob to the newest version of a key, as an append does; undefined where that has no blobs. */
  async append(key: string, plaintext: Uint8Array): Promise<MutationResult | undefined> {
    const [row] = this.writer.database
      .query(
        "SELECT v.detail_id, v.size_bytes, v.etag, d.meta, v.hlc FROM version v JOIN detail d USING (detail_id) WHERE v.key = ? AND v.flags & 3 = 1 AND d.body IS NULL",
      )
      .values(key) as [detailId: number, sizeBytes: number, etag: string, meta: string, hlc: number][];
    if (!row) return undefined;
    const [detailId, sizeBytes, etag, meta, hlc] = row;
    const wrapped: WrappedKey = JSON.parse(meta).key;
    const dataKey = wrapped.sealed === "" ? makeDataKey() : this.ring.unwrap(wrapped, keyIdentity(this.bucketId, key));
    const blob = await this.writeBlob(plaintext, dataKey, { bucketId: this.bucketId, key, wrappedKey: wrapped, etag });
    return this.commit({
      ...this.makePut(key, wrapped),
      sizeBytes: sizeBytes + plaintext.length,
      bytes: { kind: "append", detailId, blob, checksum: null },
      appendTo: { hlc },
    });
  }

  /** Writes a blob that no row names. */
  async writeBlob(plaintext: Uint8Array, dataKey: Uint8Array, facts: BlobFacts): Promise<FinishedBlob> {
    const sink = await this.blobs.create(this.bucketId, dataKey);
    await sink.write(plaintext);
    return sink.finish(facts);
  }

  /** A put without bytes, to be completed. */
  makePut(key: string, wrapped: WrappedKey): PutMutation {
    const meta: ObjectMeta = {
      headers: { "content-type": "text/plain" },
      user: [],
      storageClass: "STANDARD",
      checksum: null,
      key: wrapped,
    };
    return {
      kind: "put",
      bucketId: this.bucketId,
      key,
      sizeBytes: 0,
      etag: "d41d8cd98f00b204e9800998ecf8427e",
      flags: 0,
      meta: JSON.stringify(meta),
      attributes: JSON.stringify({ tags: [["colour", "blue"]] }),
      bytes: { kind: "inline", slice: [0, 0] },
      ...noConditions,
    };
  }

  /** Removes a key, or one version of it. */
  delete(key: string, versionId: string | null = null): MutationResult {
    return this.commit({ kind: "delete", bucketId: this.bucketId, key, versionId, ...noConditions });
  }

  /** An open upload with its data key. */
  createUpload(key: string, uploadId: string): ScratchUpload {
    return new ScratchUpload(this, { key, uploadId });
  }

  /** Removes everything. */
  remove(): void {
    this.commits.close();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

/** A multipart upload into a scratch bucket. */
export class ScratchUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly #bucket: ScratchBucket;
  readonly #dataKey = makeDataKey();
  readonly #wrapped: WrappedKey;
  readonly #parts = new Map<number, number>();

  constructor(bucket: ScratchBucket, names: { key: string; uploadId: string }) {
    this.key = names.key;
    this.uploadId = names.uploadId;
    this.#bucket = bucket;
    this.#wrapped = bucket.ring.wrap(this.#dataKey, keyIdentity(bucket.bucketId, this.key));
    const meta: UploadMeta = {
      headers: {},
      user: [],
      storageClass: "STANDARD",
      key: this.#wrapped,
      attributes: null,
      checksumAlgorithm: null,
      checksumType: null,
      initiator: { id: "", displayName: "" },
    };
    this.#commit({ kind: "createUpload", meta: JSON.stringify(meta) });
  }

  /** Uploads a part; an earlier one of this number is replaced. @returns the id of its blob */
  async putPart(partNumber: number, plaintext: Uint8Array, checksum: string | null = null): Promise<string> {
    const { bucketId } = this.#bucket;
    const facts = {
      bucketId,
      key: this.key,
      wrappedKey: this.#wrapped,
      etag: `e${partNumber}`,
      uploadId: this.uploadId,
      partNumber,
    };
    const blob = await this.#bucket.writeBlob(plaintext, this.#dataKey, facts);
    this.#commit({ kind: "putPart", partNumber, blob, etag: facts.etag, checksum });
    this.#parts.set(partNumber, plaintext.length);
    return blob.blobId;
  }

  /** Completes with these parts, in their order. */
  complete(partNumbers: readonly number[]): MutationResult {
    const parts = partNumbers.map((partNumber) => ({ partNumber, etag: `e${partNumber}`, checksum: null }));
    const sizeBytes = partNumbers.reduce((sum, number) => sum + (this.#parts.get(number) ?? 0), 0);
    const { meta, attributes, flags } = this.#bucket.makePut(this.key, this.#wrapped);
    const rest = { meta, attributes, flags, conditions: null, etag: `multi-${parts.length}` };
    return this.#commit({ kind: "completeUpload", parts, fingerprint: partNumbers.join(), sizeBytes, ...rest });
  }

  /** Ends the upload without an object. */
  abort(): MutationResult {
    return this.#commit({ kind: "abortUpload", ifInitiatedMs: null });
  }

  #commit(rest: UploadMutation): MutationResult {
    const { bucketId } = this.#bucket;
    const base = { bucketId, key: this.key, uploadId: this.uploadId, requestId: "TEST", principal: "test" };
    return this.#bucket.commit({ ...base, ...rest });
  }
}

type BaseFields = "bucketId" | "key" | "uploadId" | "requestId" | "principal";
type WithoutBase<M> = M extends { readonly uploadId: string } ? Omit<M, BaseFields> : never;
type UploadMutation = WithoutBase<Mutation>;
