import type { DiskHistory, DiskStep, EntryChange, FileChange, Inode } from "./disk-step.ts";

/** Bytes that a disk writes as a whole. */
export const sectorBytes = 512;

/** What becomes of one change that no sync has covered when the power fails. */
export type ChangeFate = "lost" | "kept" | { readonly keepsSector: (index: number) => boolean };

/** Decides what of the unsynced changes a crash leaves. */
export interface CrashFate {
  ofChange(change: FileChange): ChangeFate;
  /** Whether a change of a folder's names is kept. */
  keepsNames(names: readonly EntryChange[]): boolean;
}

/** Nothing that was not synced is left. */
export const losesAll: CrashFate = { ofChange: () => "lost", keepsNames: () => false };

/** Everything is left, synced or not: what `kill -9` alone shows. */
export const keepsAll: CrashFate = { ofChange: () => "kept", keepsNames: () => true };

/**
 * Each unsynced change is kept, lost or, for writes, kept in some of its sectors. Of overlapping changes the later one that is kept
 * wins, sector by sector; that gives every order in which a disk can have written them.
 * @param random values in [0, 1)
 * @param keepShare how much is kept, 0 to 1
 */
export function randomFate(random: () => number, keepShare: number): CrashFate {
  return {
    ofChange: ({ kind }) => {
      if (kind === "write" && random() < 0.25) return { keepsSector: () => random() < keepShare };
      return random() < keepShare ? "kept" : "lost";
    },
    keepsNames: () => random() < keepShare,
  };
}

/** What is on a disk: paths relative to the root without a slash in front, in an order in which they can be made. */
export type DiskImage = ReadonlyMap<string, Uint8Array | "folder">;

interface Pending<Change> {
  readonly completedAt: number;
  readonly change: Change;
}

interface ModelFile {
  readonly durable: FileBytes;
  pending: Pending<FileChange>[];
}

interface ModelFolder {
  readonly durable: Map<string, Inode>;
  pending: Pending<readonly EntryChange[]>[];
}

/**
 * A disk with a volatile cache: what was written is on it only when a sync that was entered after the write had returned has
 * succeeded. A sync of a file covers its bytes and size, not its name; a sync of a folder covers the names in it.
 */
export class DiskModel {
  readonly #history: Pick<DiskHistory, "root" | "inodes">;
  readonly #files = new Map<Inode, ModelFile>();
  readonly #folders = new Map<Inode, ModelFolder>();

  /** @param history where it begins and what its inodes are; inodes may be added while steps are applied */
  constructor(history: Pick<DiskHistory, "root" | "inodes">) {
    this.#history = history;
  }

  /** Takes the next step. */
  apply(step: DiskStep): void {
    switch (step.kind) {
      case "change":
        this.#fileOf(step.inode)?.pending.push(step);
        return;
      case "entry":
        this.#folderOf(step.folder)?.pending.push({ completedAt: step.completedAt, change: step.names });
        return;
      case "sync":
        this.#sync(step.inode, step.startedAt);
        return;
      case "answer":
        return;
    }
  }

  /** A sync of a file failed: what was unsynced will never be on the disk, whatever later syncs say. */
  failSync(inode: Inode): void {
    const file = this.#fileOf(inode);
    if (file !== undefined) file.pending = [];
  }

  /** What is on the disk when the power fails now. */
  crash(fate: CrashFate): DiskImage {
    const image = new Map<string, Uint8Array | "folder">();
    this.#collect(this.#history.root, "", { fate, image });
    return image;
  }

  #collect(inode: Inode, prefix: string, crash: { fate: CrashFate; image: Map<string, Uint8Array | "folder"> }): void {
    const folder = this.#folderOf(inode);
    if (folder === undefined) return;
    const entries = new Map(folder.durable);
    for (const { change } of folder.pending) if (crash.fate.keepsNames(change)) applyNames(entries, change);
    for (const [name, target] of entries) {
      const file = this.#fileOf(target);
      crash.image.set(prefix + name, file ? crashFile(file, crash.fate) : "folder");
      this.#collect(target, `${prefix}${name}/`, crash);
    }
  }

  #fileOf(inode: Inode): ModelFile | undefined {
    if (this.#history.inodes.get(inode)?.kind !== "file") return undefined;
    const file = this.#files.get(inode) ?? { durable: new FileBytes(), pending: [] };
    this.#files.set(inode, file);
    return file;
  }

  #folderOf(inode: Inode): ModelFolder | undefined {
    if (this.#history.inodes.get(inode)?.kind !== "folder") return undefined;
    const folder = this.#folders.get(inode) ?? { durable: new Map(), pending: [] };
    this.#folders.set(inode, folder);
    return folder;
  }

  #sync(inode: Inode, startedAt: number): void {
    const file = this.#fileOf(inode);
    if (file !== undefined) {
      for (const { change } of file.pending.filter(isCovered)) file.durable.apply(change, "kept");
      file.pending = file.pending.filter((each) => !isCovered(each));
    }
    const folder = this.#folderOf(inode);
    if (folder !== undefined) {
      for (const { change } of folder.pending.filter(isCovered)) applyNames(folder.durable, change);
      folder.pending = folder.pending.filter((each) => !isCovered(each));
    }

    function isCovered({ completedAt }: { readonly completedAt: number }): boolean {
      return completedAt < startedAt;
    }
  }
}

function crashFile({ durable, pending }: ModelFile, fate: CrashFate): Uint8Array {
  if (pending.length === 0) return durable.bytes;
  const left = durable.copy();
  for (const { change } of pending) left.apply(change, fate.ofChange(change));
  return left.bytes;
}

function applyNames(entries: Map<string, Inode>, names: readonly EntryChange[]): void {
  for (const { name, target } of names) {
    if (target === undefined) entries.delete(name);
    else entries.set(name, target);
  }
}

/** Bytes of a file; holes read as zeros. */
class FileBytes {
  #buffer: Buffer;
  #sizeBytes: number;

  constructor(bytes: Uint8Array = new Uint8Array()) {
    this.#buffer = Buffer.from(bytes);
    this.#sizeBytes = bytes.length;
  }

  /** A view: valid until the next `apply`. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#sizeBytes);
  }

  copy(): FileBytes {
    return new FileBytes(this.bytes);
  }

  apply(change: FileChange, fate: ChangeFate): void {
    if (fate === "lost") return;
    if (change.kind === "resize") {
      if (!change.onlyGrow || change.sizeBytes > this.#sizeBytes) this.#resize(change.sizeBytes);
      return;
    }
    const { offsetBytes, data } = change;
    const end = offsetBytes + data.length;
    if (end > this.#sizeBytes) this.#resize(end);
    if (fate === "kept") this.#buffer.set(data, offsetBytes);
    else this.#setSectors(offsetBytes, data, fate.keepsSector);
  }

  #setSectors(offsetBytes: number, data: Uint8Array, keepsSector: (index: number) => boolean): void {
    const end = offsetBytes + data.length;
    for (let sector = Math.floor(offsetBytes / sectorBytes); sector * sectorBytes < end; sector++) {
      if (!keepsSector(sector)) continue;
      const from = Math.max(offsetBytes, sector * sectorBytes);
      const to = Math.min(end, (sector + 1) * sectorBytes);
      this.#buffer.set(data.subarray(from - offsetBytes, to - offsetBytes), from);
    }
  }

  #resize(sizeBytes: number): void {
    if (sizeBytes > this.#buffer.length) {
      const grown = Buffer.alloc(Math.max(sizeBytes, this.#buffer.length * 2));
      grown.set(this.bytes);
      this.#buffer = grown;
    }
    if (sizeBytes < this.#sizeBytes) this.#buffer.fill(0, sizeBytes, this.#sizeBytes);
    this.#sizeBytes = sizeBytes;
  }
}
