import type { DiskHistory, InodeFacts } from "./disk-step.ts";

/** Syncs of one kind that a faulty release might leave out. */
export interface SyncKind {
  readonly name: string;
  readonly matches: (facts: InodeFacts) => boolean;
}

const bucket = "data/buckets/[^/]+";

/** Each kind of sync that durability stands on. */
export const syncKinds: readonly SyncKind[] = [
  file("bytes of blobs", `${bucket}/blobs/[^/]+/[^/]+`),
  file("catalogs of buckets", `${bucket}/index\\.db`),
  file("write-ahead logs of buckets", `${bucket}/index\\.db-wal`),
  file("control database", "data/control\\.db"),
  file("write-ahead log of the control database", "data/control\\.db-wal"),
  file("root key", "data/root\\.key.*"),
  folder("all folders", ".*"),
  folder("parent of the data folder", ""),
  folder("data folder", "data"),
  folder("folder of all buckets", "data/buckets"),
  folder("folders of buckets", bucket),
  folder("folders of blobs", `${bucket}/blobs`),
  folder("folders that hold blobs", `${bucket}/blobs/[^/]+`),
];

/** The same history as a server without these syncs would have made it. */
export function dropSyncs(history: DiskHistory, { matches }: SyncKind): DiskHistory {
  const steps = history.steps.filter((step) => {
    const facts = step.kind === "sync" ? history.inodes.get(step.inode) : undefined;
    return facts === undefined || !matches(facts);
  });
  return { ...history, steps };
}

function file(name: string, pattern: string): SyncKind {
  return kindOf("file", name, pattern);
}

function folder(name: string, pattern: string): SyncKind {
  return kindOf("folder", name, pattern);
}

function kindOf(kind: InodeFacts["kind"], name: string, pattern: string): SyncKind {
  const expression = new RegExp(`^${pattern}$`);
  return { name, matches: (facts) => facts.kind === kind && expression.test(facts.path) };
}
