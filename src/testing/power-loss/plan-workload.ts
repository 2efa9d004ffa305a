import {
  type Action,
  applyAction,
  type Body,
  emptyStore,
  type ObjectName,
  objectPath,
  type StoreState,
} from "./action.ts";

/** Bytes of the smallest part that another may follow. Source: Amazon S3 multipart upload limits. */
const minPartBytes = 5 * 1024 * 1024;
const keysPerBucket = 6;

/**
 * Actions of one client, each possible after the ones before it. Its buckets begin with `name`, so that clients do not meet.
 * @param random values in [0, 1)
 * @param count actions after the two buckets are made, all kinds among them when it is 40 or more
 */
export function planWorkload(name: string, random: () => number, count: number): Action[] {
  const planner = new Planner(name, random);
  for (const suffix of ["a", "b"]) planner.add({ kind: "createBucket", bucket: `${name}-${suffix}` });
  for (let index = 0; index < count; index++) planner.add(planner.choose());
  return planner.actions;
}

class Planner {
  readonly actions: Action[] = [];
  readonly #name: string;
  readonly #random: () => number;
  #state: StoreState = emptyStore;
  #bucketCount = 0;
  #uploadCount = 0;
  #hasLargePart = false;

  constructor(name: string, random: () => number) {
    this.#name = name;
    this.#random = random;
  }

  add(action: Action): void {
    this.actions.push(action);
    this.#state = applyAction(this.#state, action);
  }

  choose(): Action {
    const choice = this.#random();
    if (choice < 0.3) return this.#put(this.#size(0, 3_000));
    if (choice < 0.36) return this.#put(this.#size(20_000, 60_000));
    if (choice < 0.54) return this.#put(this.#size(140_000, 400_000));
    if (choice < 0.66) return this.#delete();
    if (choice < 0.78) return this.#copy();
    if (choice < 0.94) return this.#multipart();
    return this.#bucket();
  }

  #put(sizeBytes: number): Action {
    return { kind: "put", ...this.#objectName(), body: this.#body(sizeBytes) };
  }

  #delete(): Action {
    const existing = this.#pickObject();
    return existing === undefined ? this.#put(10) : { kind: "delete", ...existing };
  }

  #copy(): Action {
    const source = this.#pickObject();
    const target = this.#objectName();
    // S3 refuses a copy onto itself that changes nothing.
    if (source === undefined || objectPath(source) === objectPath(target)) return this.#put(200_000);
    return { kind: "copy", ...target, source };
  }

  /** The next step of the upload that is open, or the first one of a new upload; every third is left open for a while. */
  #multipart(): Action {
    const open = this.#state.uploads.get(this.#uploadCount);
    if (open === undefined || (open.parts.size > 0 && this.#random() < 0.15)) {
      return { kind: "createUpload", upload: ++this.#uploadCount, ...this.#objectName() };
    }
    const upload = this.#uploadCount;
    if (open.parts.size === 0) {
      const isFirstLarge = !this.#hasLargePart;
      this.#hasLargePart = true;
      const sizeBytes = isFirstLarge ? minPartBytes : this.#size(1, 300_000);
      return { kind: "putPart", upload, partNumber: 1, body: this.#body(sizeBytes) };
    }
    const canFollow = [...open.parts.values()].every(({ sizeBytes }) => sizeBytes >= minPartBytes);
    if (canFollow) return { kind: "putPart", upload, partNumber: 7, body: this.#body(this.#size(1, 200_000)) };
    const choice = this.#random();
    if (choice < 0.1) return { kind: "abortUpload", upload };
    if (choice < 0.25)
      return { kind: "putPart", upload, partNumber: Math.max(...open.parts.keys()), body: this.#body(9) };
    return { kind: "completeUpload", upload };
  }

  #bucket(): Action {
    const extra = [...this.#state.buckets].find((bucket) => bucket.startsWith(`${this.#name}-x`));
    if (extra !== undefined) return { kind: "deleteBucket", bucket: extra };
    return { kind: "createBucket", bucket: `${this.#name}-x${++this.#bucketCount % 2}` };
  }

  #objectName(): ObjectName {
    const bucket = `${this.#name}-${this.#random() < 0.6 ? "a" : "b"}`;
    return { bucket, key: `folder/key ${Math.floor(this.#random() * keysPerBucket)}` };
  }

  #pickObject(): ObjectName | undefined {
    const paths = [...this.#state.objects.keys()];
    const path = paths[Math.floor(this.#random() * paths.length)];
    if (path === undefined) return undefined;
    const slash = path.indexOf("/");
    return { bucket: path.slice(0, slash), key: path.slice(slash + 1) };
  }

  #size(from: number, to: number): number {
    return from + Math.floor(this.#random() * (to - from));
  }

  #body(sizeBytes: number): Body {
    return { sizeBytes, seed: Math.floor(this.#random() * 2 ** 31) };
  }
}
