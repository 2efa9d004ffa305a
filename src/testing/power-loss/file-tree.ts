import type { DiskHistory, Inode, InodeFacts } from "./disk-step.ts";

/** A file or folder as running programs see it. */
export interface TreeNode {
  readonly inode: Inode;
  readonly kind: InodeFacts["kind"];
  /** Names of a folder. */
  readonly entries: Map<string, TreeNode>;
}

/** A name in a folder and what stands there. */
export interface TreePlace {
  readonly folder: TreeNode;
  readonly name: string;
  readonly node: TreeNode | undefined;
}

/** The names below one folder as running programs see them, that is with everything that is only in memory. */
export class FileTree {
  readonly root: TreeNode;
  readonly #rootPath: string;
  readonly #facts = new Map<Inode, InodeFacts>();

  /** @param rootPath absolute path of a folder that exists and is empty */
  constructor(rootPath: string) {
    this.#rootPath = rootPath;
    this.root = this.#makeNode("folder", "");
  }

  /** Facts of every inode made so far. */
  get facts(): DiskHistory["inodes"] {
    return this.#facts;
  }

  /** Finds a path, relative to `base` unless it is absolute. @returns undefined when it is outside or a folder on the way is missing */
  find(path: string, base: TreeNode | undefined): TreePlace | undefined {
    const names = this.#splitPath(path, base);
    const name = names?.pop();
    if (names === undefined) return undefined;
    if (name === undefined) return { folder: this.root, name: ".", node: this.root };
    let folder: TreeNode | undefined = path.startsWith("/") ? this.root : base;
    for (const each of names) folder = folder?.entries.get(each);
    return folder && { folder, name, node: folder.entries.get(name) };
  }

  /** A new file or folder; it has no name yet. */
  make(kind: InodeFacts["kind"], { folder, name }: TreePlace): TreeNode {
    const { path = "" } = this.#facts.get(folder.inode) ?? {};
    return this.#makeNode(kind, path === "" ? name : `${path}/${name}`);
  }

  #makeNode(kind: InodeFacts["kind"], path: string): TreeNode {
    const inode = this.#facts.size;
    this.#facts.set(inode, { kind, path });
    return { inode, kind, entries: new Map() };
  }

  #splitPath(path: string, base: TreeNode | undefined): string[] | undefined {
    const isInside = path === this.#rootPath || path.startsWith(`${this.#rootPath}/`);
    if (path.startsWith("/") ? !isInside : base === undefined) return undefined;
    const rest = path.startsWith("/") ? path.slice(this.#rootPath.length) : path;
    return rest.split("/").filter((name) => name !== "" && name !== ".");
  }
}
