import type { ObjectVersion } from "../catalog/catalog.ts";
import type { ObjectMeta } from "../object-meta.ts";
import { ChangeSlots } from "./change-slots.ts";

/** Estimated memory of an entry beside its body, bytes. */
const entryOverheadBytes = 1_536;

/** A newest version as remembered: parsed, and with its plaintext when it is small and not under a client's key. */
export interface RememberedObject {
  readonly version: ObjectVersion;
  readonly meta: ObjectMeta;
  /** Undefined when the bytes are in blobs, or not to be remembered. Never changed by anybody. */
  readonly plaintext: Uint8Array | undefined;
}

/** The place of a key in the cache, taken before the catalog is read. */
export interface CacheTicket {
  readonly name: string;
  readonly slot: number;
  readonly stamp: number;
}

interface Entry {
  readonly object: RememberedObject;
  readonly slot: number;
  readonly stamp: number;
  readonly bytes: number;
  used: boolean;
}

/**
 * A worker's memory of newest versions, kept correct by `ChangeSlots`: an entry is served only if nobody has committed to
 * its key (or one that shares its slot) since it was read. Evicts by second chance.
 */
export class ObjectCache {
  readonly #slots: ChangeSlots;
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Entry>();
  /** Stands before the oldest entry: nothing it has passed is left. A new iterator would step over all that was removed. */
  #oldest = this.#entries.entries();
  #bytes = 0;
  #hits = 0;
  #misses = 0;

  /** @param maxBytes of bodies and estimated overhead; 0 remembers nothing */
  constructor(slots: ChangeSlots, maxBytes: number) {
    this.#slots = slots;
    this.#maxBytes = maxBytes;
  }

  /** Bytes held, as estimated. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Look-ups since the last call. */
  takeLookUps(): { hits: number; misses: number } {
    const taken = { hits: this.#hits, misses: this.#misses };
    this.#hits = 0;
    this.#misses = 0;
    return taken;
  }

  /** Call before reading the catalog; pass the ticket to `remember`. */
  open(bucketId: string, key: string): CacheTicket {
    const slot = ChangeSlots.slotOf(bucketId, key);
    return { name: `${bucketId}/${key}`, slot, stamp: this.#slots.read(slot) };
  }

  /** The remembered object, if it is still the newest. */
  find(ticket: CacheTicket): RememberedObject | undefined {
    const entry = this.#entries.get(ticket.name);
    if (entry?.stamp === ticket.stamp) {
      entry.used = true;
      this.#hits += 1;
      return entry.object;
    }
    this.#misses += 1;
    if (entry) this.#forget(ticket.name, entry);
    return undefined;
  }

  /** Keeps what was read after `ticket` was opened. */
  remember(ticket: CacheTicket, object: RememberedObject): void {
    const bytes = entryOverheadBytes + (object.plaintext?.length ?? 0);
    if (ticket.stamp & 1 || bytes > this.#maxBytes / 16) return;
    const old = this.#entries.get(ticket.name);
    if (old) this.#forget(ticket.name, old);
    this.#entries.set(ticket.name, { object, slot: ticket.slot, stamp: ticket.stamp, bytes, used: false });
    this.#bytes += bytes;
    if (this.#bytes > this.#maxBytes) this.#evict();
  }

  #evict(): void {
    while (this.#bytes > this.#maxBytes) {
      const { done, value } = this.#oldest.next();
      if (done) {
        this.#oldest = this.#entries.entries();
        continue;
      }
      const [name, entry] = value;
      this.#forget(name, entry);
      if (!entry.used) continue;
      entry.used = false;
      this.#entries.set(name, entry);
      this.#bytes += entry.bytes;
    }
  }

  #forget(name: string, entry: Entry): void {
    this.#entries.delete(name);
    this.#bytes -= entry.bytes;
  }
}
