/**
 * What can be wrong with a bucket:
 * - `lost`: its catalog, or the folder it is in, is missing or was replaced under the server;
 * - `damaged`: its catalog holds what nobody wrote;
 * - `locked`: another process holds a lock on its catalog;
 * - `unreadable`: the system refuses the catalog or a blob (permissions, input/output errors), or a newer release wrote it;
 * - `object`: the stored bytes of an object do not authenticate or their file is missing; the rest of the bucket is served.
 */
export const catalogProblemKinds = ["lost", "damaged", "locked", "unreadable", "object"] as const;

/** One of `catalogProblemKinds`. */
export type CatalogProblemKind = (typeof catalogProblemKinds)[number];

/** A problem as a thread of the data plane met it. */
export interface CatalogProblem {
  readonly bucketId: string;
  readonly kind: CatalogProblemKind;
  /** For the log: it may name paths of the host and codes of the system, but no secret. */
  readonly reason: string;
  /** The key that was asked for, where one was. */
  readonly key?: string;
  /** Names a damaged object that the thread looks after: it settles it by this name when it was replaced or deleted. */
  readonly object?: string;
}

/** Takes problems of the data plane in. Both may be repeated. */
export interface CatalogProblemSink {
  report(problem: CatalogProblem): void;
  /** The catalog's file is in its place again; with a name, the object of that name is no problem any more. */
  settle(bucketId: string, object?: string): void;
}
