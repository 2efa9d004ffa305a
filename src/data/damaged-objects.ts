import { versionFlag } from "#kernel/protocol/mutation.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { CatalogReader, ObjectVersion } from "./catalog/catalog.ts";

/** Between two looks, ms. */
const intervalMs = 5_000;
/** Objects looked after by one worker; further ones are not. */
const maxObjects = 64;
/** Looks until an object is let go that nobody asked for again: about as long as its problem counts. */
const maxLooks = 3_600_000 / intervalMs;

/** An object that was asked for and could not be read. */
export interface DamagedObject {
  readonly bucketId: string;
  readonly key: string;
  /** As the request named it; undefined: the newest. */
  readonly versionId: string | undefined;
}

/** What looking after damaged objects needs. */
export interface DamagedObjectsOptions {
  readonly catalog: Pick<CatalogReader, "findNewest" | "findVersion">;
  /** Reads all bytes of a version. @returns whether they are what was stored; false where that takes too long */
  readonly isSound: (object: DamagedObject, version: ObjectVersion) => Promise<boolean>;
  /** Told when an object was replaced, deleted, or is sound again. `name` as `note` gave it. */
  readonly settle: (bucketId: string, name: string) => void;
  /** Calls `call` after `ms`. */
  readonly after: (ms: number, call: () => void) => void;
}

/** What is there: a version, none (also a delete marker, or no such bucket), or a catalog that says nothing now. */
type Seen = ObjectVersion | "none" | "unknown";

interface Watched {
  readonly object: DamagedObject;
  /** Which version could not be read: its place in the order. */
  readonly first: Promise<number | "none" | "unknown">;
  looks: number;
}

/**
 * Looks after objects whose stored bytes or rows are damaged, so that health does not go on telling of one that a client has put
 * again or deleted: every 5 s at its version, and one of them at a time is read again.
 */
export class DamagedObjects {
  readonly #options: DamagedObjectsOptions;
  readonly #watched = new Map<string, Watched>();
  #isWaiting = false;

  constructor(options: DamagedObjectsOptions) {
    this.#options = options;
  }

  /** Looks after an object from now on. @returns its name for the report; undefined when there are too many */
  note(object: DamagedObject): string | undefined {
    const { bucketId, key, versionId } = object;
    const name = JSON.stringify([bucketId, key, versionId]);
    if (!this.#watched.has(name) && this.#watched.size >= maxObjects) return undefined;
    this.#watched.set(name, { object, first: this.#see(object).then(placeOf), looks: 0 });
    this.#wait();
    return name;
  }

  #wait(): void {
    if (this.#isWaiting || this.#watched.size === 0) return;
    this.#isWaiting = true;
    this.#options.after(intervalMs, () => {
      void this.#look().finally(() => {
        this.#isWaiting = false;
        this.#wait();
      });
    });
  }

  async #look(): Promise<void> {
    let canRead = true;
    for (const [name, watched] of [...this.#watched]) {
      const [first, now] = [await watched.first, await this.#see(watched.object)];
      // A row that could not be read and can be now is another one.
      let isOver = now !== "unknown" && (now === "none" || now.hlc !== first);
      if (!isOver && canRead && typeof now === "object") {
        canRead = false;
        isOver = await this.#options.isSound(watched.object, now);
        this.#moveBack(name, watched);
      }
      // Somebody may have met it again, in another version, while it was read.
      if (this.#watched.get(name) !== watched) continue;
      watched.looks += 1;
      if (!isOver && watched.looks < maxLooks) continue;
      this.#watched.delete(name);
      if (isOver) this.#options.settle(watched.object.bucketId, name);
    }
  }

  /** The next look reads another one. */
  #moveBack(name: string, watched: Watched): void {
    if (this.#watched.get(name) !== watched) return;
    this.#watched.delete(name);
    this.#watched.set(name, watched);
  }

  async #see({ bucketId, key, versionId }: DamagedObject): Promise<Seen> {
    const { catalog } = this.#options;
    try {
      const found =
        versionId === undefined
          ? await catalog.findNewest(bucketId, key, true)
          : await catalog.findVersion(bucketId, { key, versionId, withBody: true });
      return found === undefined || found.flags & versionFlag.marker ? "none" : found;
    } catch (error) {
      return error instanceof S3Error && error.code === "NoSuchBucket" ? "none" : "unknown";
    }
  }
}

function placeOf(seen: Seen): number | "none" | "unknown" {
  return typeof seen === "object" ? seen.hlc : seen;
}
