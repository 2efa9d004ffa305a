import type { Disk, DiskFile } from "#data/blobs/disk.ts";
import { type CrashFate, DiskModel, losesAll } from "./power-loss/disk-model.ts";
import type { DiskStep, FileChange } from "./power-loss/disk-step.ts";
import { FileTree, type TreeNode, type TreePlace } from "./power-loss/file-tree.ts";

/** Root of every faulty disk: its paths begin with it. */
export const faultyDiskRoot = "/disk";

/** What goes wrong. */
export interface DiskFault {
  /** The call that fails, counted from 1 after the fault was set. */
  readonly callNumber: number;
  readonly code: "EIO" | "ENOSPC";
}

/**
 * A disk in memory whose n-th call fails and that can lose power. A write that fails has written its first half. A sync of a file that
 * fails has lost what it was to save: later ones succeed and do not save it, as on Linux. A sync of a folder can be repeated: names are
 * in a file system's journal, and one whose journal fails takes no more writes.
 */
export class FaultyDisk implements Disk {
  readonly #tree = new FileTree(faultyDiskRoot);
  readonly #model = new DiskModel({ root: this.#tree.root.inode, inodes: this.#tree.facts });
  readonly #bytes = new Map<number, Buffer>();
  #fault: DiskFault | undefined;
  #callCount = 0;
  #time = 0;
  #openCount = 0;
  #hasFailed = false;

  /** Sets the next fault, or none. Calls are counted from here on. */
  setFault(fault: DiskFault | undefined): void {
    this.#fault = fault;
    this.#callCount = 0;
    this.#hasFailed = false;
  }

  /** Whether the call of the fault was reached. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Files opened and not closed. */
  get openCount(): number {
    return this.#openCount;
  }

  /** Paths of all files as programs see them. */
  paths(): string[] {
    const found: string[] = [];
    const walk = (node: TreeNode, path: string) => {
      if (node.kind === "file") found.push(path);
      for (const [name, child] of node.entries) walk(child, `${path}/${name}`);
    };
    walk(this.#tree.root, faultyDiskRoot);
    return found;
  }

  /** The disk after a power loss, without faults. */
  async crash(fate: CrashFate = losesAll): Promise<FaultyDisk> {
    const left = new FaultyDisk();
    for (const [path, content] of this.#model.crash(fate)) {
      const absolute = `${faultyDiskRoot}/${path}`;
      if (content === "folder") {
        await left.makeFolder(absolute);
      } else {
        const file = await left.create(absolute);
        await file.write(content, 0);
        await file.sync();
        await file.close();
      }
      await left.syncFolder(absolute.slice(0, absolute.lastIndexOf("/")));
    }
    return left;
  }

  async create(path: string): Promise<DiskFile> {
    const place = this.#call(path);
    if (place.node !== undefined) throw failure("EEXIST");
    const node = this.#tree.make("file", place);
    this.#bytes.set(node.inode, Buffer.alloc(0));
    this.#setName(place, node);
    return this.#open(node);
  }

  async openToRead(path: string): Promise<DiskFile> {
    return this.#open(existing(this.#call(path), "file"));
  }

  async makeFolder(path: string): Promise<boolean> {
    const place = this.#call(path);
    if (place.node !== undefined) return false;
    this.#setName(place, this.#tree.make("folder", place));
    return true;
  }

  async syncFolder(path: string): Promise<void> {
    const node = existing(this.#find(path), "folder");
    this.#sync(node);
  }

  async link(from: string, made: string): Promise<void> {
    const source = existing(this.#find(from), "file");
    const place = this.#call(made);
    if (place.node !== undefined) throw failure("EEXIST");
    this.#setName(place, source);
  }

  async remove(path: string): Promise<void> {
    const place = this.#call(path);
    existing(place, "file");
    this.#setName(place, undefined);
  }

  async sizeOf(path: string): Promise<number> {
    return this.#bytesOf(existing(this.#call(path), "file")).length;
  }

  #open(node: TreeNode): DiskFile {
    let isOpen = true;
    this.#openCount++;
    return {
      read: async (target, position) => {
        this.#count();
        return this.#bytesOf(node).copy(target, 0, position);
      },
      write: async (source, position) => this.#write(node, source, position),
      sync: async () => this.#sync(node),
      close: async () => {
        if (!isOpen) throw failure("EBADF");
        isOpen = false;
        this.#openCount--;
        this.#count();
      },
    };
  }

  #write(node: TreeNode, source: Uint8Array, position: number): void {
    const isGood = this.#tryCount();
    const data = Uint8Array.from(isGood ? source : source.subarray(0, source.length / 2));
    const old = this.#bytesOf(node);
    const grown = Buffer.alloc(Math.max(old.length, position + data.length));
    grown.set(old);
    grown.set(data, position);
    this.#bytes.set(node.inode, grown);
    const change: FileChange = { kind: "write", offsetBytes: position, data };
    this.#apply({ kind: "change", ...this.#moment(), inode: node.inode, change });
    if (!isGood) throw this.#failure();
  }

  #sync(node: TreeNode): void {
    const isGood = this.#tryCount();
    if (!isGood) {
      this.#model.failSync(node.inode);
      throw this.#failure();
    }
    const at = ++this.#time;
    this.#apply({ kind: "sync", at, startedAt: at, inode: node.inode });
  }

  #setName({ folder, name }: TreePlace, node: TreeNode | undefined): void {
    if (node === undefined) folder.entries.delete(name);
    else folder.entries.set(name, node);
    const names = [{ name, target: node?.inode }];
    this.#apply({ kind: "entry", ...this.#moment(), folder: folder.inode, names });
  }

  #moment(): { at: number; completedAt: number } {
    const at = ++this.#time;
    return { at, completedAt: at };
  }

  #apply(step: DiskStep): void {
    this.#model.apply(step);
  }

  #bytesOf({ inode }: TreeNode): Buffer {
    return this.#bytes.get(inode) ?? Buffer.alloc(0);
  }

  #call(path: string): TreePlace {
    this.#count();
    return this.#find(path);
  }

  #find(path: string): TreePlace {
    const place = this.#tree.find(path, undefined);
    if (place === undefined) throw failure("ENOENT");
    return place;
  }

  #count(): void {
    if (!this.#tryCount()) throw this.#failure();
  }

  #tryCount(): boolean {
    this.#callCount++;
    if (this.#callCount !== this.#fault?.callNumber) return true;
    this.#hasFailed = true;
    return false;
  }

  #failure(): Error {
    return failure(this.#fault?.code ?? "EIO");
  }
}

function existing({ node }: TreePlace, kind: TreeNode["kind"]): TreeNode {
  if (node === undefined) throw failure("ENOENT");
  if (node.kind !== kind) throw failure(kind === "file" ? "EISDIR" : "ENOTDIR");
  return node;
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: made up by the faulty disk`), { code });
}
