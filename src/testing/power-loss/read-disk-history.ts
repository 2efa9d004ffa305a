import type { DiskHistory, DiskStep, EntryChange, FileChange } from "./disk-step.ts";
import { FileTree, type TreeNode, type TreePlace } from "./file-tree.ts";
import { numberArgument, type Syscall } from "./syscall.ts";

/** System calls that {@link readDiskHistory} has to see. */
export const tracedCalls = [
  ...["open", "openat", "creat", "close", "dup", "dup2", "dup3", "fcntl", "lseek"],
  ...["write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate", "truncate", "fallocate"],
  ...["fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"],
  ...["unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "mmap", "copy_file_range", "sendfile", "sendto", "sendmsg"],
] as const;

interface OpenFile {
  readonly node: TreeNode;
  readonly isAppending: boolean;
  positionBytes: number;
}

interface Answer {
  at: number;
  readonly status: number;
  readonly requestId: string;
}

type CallHandler = (call: Syscall) => void;

/**
 * Reads what a traced server did to the folder `rootPath` (absolute, empty before), and when it answered requests: an answer counts
 * from the last send of its response on, and is known by its `x-amz-request-id`.
 * @throws Error when a file is written in a way that the log does not show: mapped (but for `-shm`), copied by the kernel, cut off
 */
export function readDiskHistory(calls: readonly Syscall[], rootPath: string): DiskHistory {
  const reader = new HistoryReader(rootPath);
  const events = calls.flatMap((call) => [
    { at: call.begin, call, isBegin: true },
    { at: call.end, call, isBegin: false },
  ]);
  events.sort((a, b) => a.at - b.at);
  for (const { call, isBegin } of events) reader.see(call, isBegin);
  return reader.history();
}

/** Follows descriptors and names through a log. What a call does to names is taken to happen when it is entered. */
class HistoryReader {
  readonly #tree: FileTree;
  readonly #files = new Map<number, OpenFile>();
  readonly #answers = new Map<number, Answer>();
  readonly #steps: DiskStep[] = [];
  readonly #ended: Answer[] = [];
  readonly #onBegin: ReadonlyMap<string, CallHandler>;
  readonly #onEnd: ReadonlyMap<string, CallHandler>;

  constructor(rootPath: string) {
    this.#tree = new FileTree(rootPath);
    this.#onBegin = new Map<string, CallHandler>([
      ...each(["open", "openat", "creat"], (call) => this.#beginOpen(call)),
      ...each(["write", "writev", "pwrite64", "pwritev", "pwritev2"], (call) => this.#write(call)),
      ...each(["sendto", "sendmsg"], (call) => this.#send(call)),
      ...each(["fsync", "fdatasync"], (call) => this.#sync(call)),
      ...each(["rename", "renameat", "renameat2"], (call) => this.#rename(call)),
      ...each(["link", "linkat"], (call) => this.#link(call)),
      ...each(["unlink", "unlinkat", "rmdir"], (call) => this.#remove(call)),
      ...each(["mkdir", "mkdirat"], (call) => this.#makeFolder(call)),
      ...each(["ftruncate", "truncate", "fallocate"], (call) => this.#resize(call)),
      ...each(["mmap", "copy_file_range", "sendfile", "symlink", "symlinkat"], (call) => this.#refuse(call)),
      ["close", ({ shape }) => this.#files.delete(Number.parseInt(shape, 10))],
    ]);
    this.#onEnd = new Map<string, CallHandler>([
      ...each(["open", "openat", "creat"], (call) => this.#endOpen(call)),
      ...each(["dup", "dup2", "dup3", "fcntl"], (call) => this.#duplicate(call)),
      ["lseek", (call) => this.#seek(call)],
    ]);
  }

  see(call: Syscall, isBegin: boolean): void {
    if (call.result === -1) return;
    (isBegin ? this.#onBegin : this.#onEnd).get(call.name)?.(call);
  }

  history(): DiskHistory {
    const answers = [...this.#ended, ...this.#answers.values()];
    const steps = [...this.#steps, ...answers.map((answer) => ({ kind: "answer", ...answer }) as const)];
    return { steps: steps.sort((a, b) => a.at - b.at), root: this.#tree.root.inode, inodes: this.#tree.facts };
  }

  #beginOpen(call: Syscall): void {
    const [place] = this.#places(call);
    if (place === undefined || Number.isNaN(call.result)) return;
    const isCreated = call.name === "creat" || call.shape.includes("O_CREAT");
    if (call.shape.includes("O_TMPFILE")) this.#fail(call);
    if (place.node === undefined && isCreated) {
      this.#name(call, place, [{ name: place.name, node: this.#tree.make("file", place) }]);
    } else if (place.node !== undefined && (call.name === "creat" || call.shape.includes("O_TRUNC"))) {
      this.#change(call, place.node, { kind: "resize", sizeBytes: 0, onlyGrow: false });
    }
  }

  #endOpen(call: Syscall): void {
    this.#files.delete(call.result);
    const node = this.#places(call)[0]?.node;
    if (node === undefined) return;
    this.#files.set(call.result, { node, isAppending: call.shape.includes("O_APPEND"), positionBytes: 0 });
  }

  #write(call: Syscall): void {
    const file = this.#fileOf(call);
    if (file === undefined) {
      this.#send(call);
      return;
    }
    if (call.isCut) this.#fail(call);
    const whole = call.strings.length === 1 ? call.strings[0] : undefined;
    const bytes = whole ?? Buffer.concat(call.strings);
    const data = Number.isNaN(call.result) ? bytes : bytes.subarray(0, call.result);
    const isAtPosition = call.name === "write" || call.name === "writev";
    if (isAtPosition && file.isAppending) this.#fail(call);
    const offsetBytes = isAtPosition ? file.positionBytes : readOffset(call);
    if (isAtPosition) file.positionBytes += data.length;
    this.#change(call, file.node, { kind: "write", offsetBytes, data });
  }

  #send(call: Syscall): void {
    const descriptor = Number.parseInt(call.shape, 10);
    const [first] = call.strings;
    if (first === undefined) return;
    const head = first.toString("latin1", 0, Math.min(first.length, 8_192));
    const answer = this.#answers.get(descriptor);
    if (!head.startsWith("HTTP/1.1 ")) {
      if (answer) answer.at = call.begin;
      return;
    }
    const requestId = /^x-amz-request-id: *(\S+)/im.exec(head)?.[1];
    if (answer) this.#ended.push(answer);
    this.#answers.delete(descriptor);
    if (requestId === undefined) return;
    this.#answers.set(descriptor, { at: call.begin, status: Number(head.slice(9, 12)), requestId });
  }

  #sync(call: Syscall): void {
    const node = this.#fileOf(call)?.node;
    if (node === undefined || Number.isNaN(call.result)) return;
    this.#steps.push({ kind: "sync", at: call.end, startedAt: call.begin, inode: node.inode });
  }

  #rename(call: Syscall): void {
    const [from, to] = this.#places(call);
    if (from?.node === undefined || to === undefined) return;
    if (call.shape.includes("RENAME_EXCHANGE")) this.#fail(call);
    const made = { name: to.name, node: from.node };
    const removed = { name: from.name, node: undefined };
    if (from.folder === to.folder) {
      this.#name(call, from, [made, removed]);
    } else {
      this.#name(call, to, [made]);
      this.#name(call, from, [removed]);
    }
  }

  #link(call: Syscall): void {
    const [from, to] = this.#places(call);
    if (from?.node !== undefined && to !== undefined) this.#name(call, to, [{ name: to.name, node: from.node }]);
  }

  #remove(call: Syscall): void {
    const [place] = this.#places(call);
    if (place?.node !== undefined) this.#name(call, place, [{ name: place.name, node: undefined }]);
  }

  #makeFolder(call: Syscall): void {
    const [place] = this.#places(call);
    if (place === undefined || place.node !== undefined) return;
    this.#name(call, place, [{ name: place.name, node: this.#tree.make("folder", place) }]);
  }

  #resize(call: Syscall): void {
    const node = call.name === "truncate" ? this.#places(call)[0]?.node : this.#fileOf(call)?.node;
    if (node === undefined) return;
    const onlyGrow = call.name === "fallocate";
    if (onlyGrow && numberArgument(call, 1) !== 0) this.#fail(call);
    const sizeBytes = onlyGrow ? numberArgument(call, 2) + numberArgument(call, 3) : numberArgument(call, 1);
    this.#change(call, node, { kind: "resize", sizeBytes, onlyGrow });
  }

  #duplicate(call: Syscall): void {
    if (call.name === "fcntl" && !call.shape.includes("F_DUPFD")) return;
    const file = this.#fileOf(call);
    if (file === undefined) this.#files.delete(call.result);
    else this.#files.set(call.result, file);
  }

  #seek(call: Syscall): void {
    const file = this.#fileOf(call);
    if (file !== undefined) file.positionBytes = call.result;
  }

  /** Calls that could change a file's bytes without showing them. */
  #refuse(call: Syscall): void {
    if (call.name.startsWith("symlink") && this.#places(call)[1] !== undefined) this.#fail(call);
    const isMap = call.name === "mmap";
    if (isMap && !(call.shape.includes("MAP_SHARED") && call.shape.includes("PROT_WRITE"))) return;
    const target = this.#files.get(numberArgument(call, { mmap: 4, copy_file_range: 2 }[call.name] ?? 0));
    if (target !== undefined && !this.#pathOf(target.node).endsWith("-shm")) this.#fail(call);
  }

  #change(call: Syscall, node: TreeNode, change: FileChange): void {
    this.#steps.push({ kind: "change", at: call.begin, completedAt: call.end, inode: node.inode, change });
  }

  #name(call: Syscall, { folder }: TreePlace, changes: readonly { name: string; node: TreeNode | undefined }[]): void {
    const names: EntryChange[] = [];
    for (const { name, node } of changes) {
      if (node === undefined) folder.entries.delete(name);
      else folder.entries.set(name, node);
      names.push({ name, target: node?.inode });
    }
    this.#steps.push({ kind: "entry", at: call.begin, completedAt: call.end, folder: folder.inode, names });
  }

  #fileOf({ shape }: Syscall): OpenFile | undefined {
    return this.#files.get(Number.parseInt(shape, 10));
  }

  #pathOf(node: TreeNode): string {
    return this.#tree.facts.get(node.inode)?.path ?? "";
  }

  /** Where the paths among a call's arguments lead; a descriptor in front of a path is where it starts. */
  #places(call: Syscall): (TreePlace | undefined)[] {
    const words = call.shape.split(", ");
    let next = 0;
    return words.flatMap((word, index) => {
      if (word !== "$") return [];
      const base = this.#files.get(Number.parseInt(words[index - 1] ?? "", 10))?.node;
      return [this.#tree.find(call.strings[next++]?.toString() ?? "", base)];
    });
  }

  #fail(call: Syscall): never {
    throw new Error(`The model does not know what ${call.name}(${call.shape}) on line ${call.begin} does to the disk`);
  }
}

function each(names: readonly string[], handler: CallHandler): [string, CallHandler][] {
  return names.map((name) => [name, handler]);
}

/** Offset of a write that has one: the word behind length or vector count. */
function readOffset(call: Syscall): number {
  if (call.name === "pwrite64") return numberArgument(call, 3);
  const [, behind = ""] = call.shape.split("], ");
  return Number.parseInt(behind.split(", ")[1] ?? "", 10);
}
