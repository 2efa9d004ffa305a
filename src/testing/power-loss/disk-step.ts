/** Number of a file or folder of the model, for as long as it exists, whatever its names. */
export type Inode = number;

/** What changes the bytes of a file. */
export type FileChange =
  | { readonly kind: "write"; readonly offsetBytes: number; readonly data: Uint8Array }
  | { readonly kind: "resize"; readonly sizeBytes: number; readonly onlyGrow: boolean };

/**
 * One thing that happened to a disk, or an answer a client got. `at` orders steps: it is the line of the log on which a change may
 * first be on the disk, a sync has succeeded, an answer may first be with the client.
 */
export type DiskStep =
  | {
      readonly kind: "change";
      readonly at: number;
      /** The line on which the call returned: a sync entered later covers it. */
      readonly completedAt: number;
      readonly inode: Inode;
      readonly change: FileChange;
    }
  | {
      readonly kind: "entry";
      readonly at: number;
      readonly completedAt: number;
      readonly folder: Inode;
      /** Names made or removed together: a rename within one folder is one step. */
      readonly names: readonly EntryChange[];
    }
  | {
      readonly kind: "sync";
      readonly at: number;
      /** The line on which it was entered. */
      readonly startedAt: number;
      readonly inode: Inode;
    }
  | {
      readonly kind: "answer";
      readonly at: number;
      readonly status: number;
      readonly requestId: string;
    };

/** A name in a folder that now stands for `target`, or for nothing. */
export interface EntryChange {
  readonly name: string;
  readonly target: Inode | undefined;
}

/** What a recorded run did to a disk. */
export interface DiskHistory {
  /** Ordered by `at`. */
  readonly steps: readonly DiskStep[];
  /** The folder that was there before the run; its own entry is durable. */
  readonly root: Inode;
  /** Kind and first path (relative to the root, without a slash in front) of every inode. */
  readonly inodes: ReadonlyMap<Inode, InodeFacts>;
}

/** What does not change about an inode. */
export interface InodeFacts {
  readonly kind: "file" | "folder";
  readonly path: string;
}
