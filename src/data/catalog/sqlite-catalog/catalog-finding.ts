/** A version, live or in the history, with what its detail row holds. */
export interface StoredVersion {
  readonly key: string;
  readonly hlc: number;
  readonly flags: number;
  readonly sizeBytes: number;
  /** False in the history. */
  readonly isLive: boolean;
  /** Null for delete markers. */
  readonly detailId: number | null;
  readonly meta: string | null;
  /** Inline ciphertext with its tags; null when the bytes are in blobs. */
  readonly body: Uint8Array | null;
}

/** A part of an open upload. */
export interface StoredPart {
  readonly uploadId: string;
  readonly key: string;
  /** JSON of `UploadMeta`. */
  readonly meta: string;
  readonly partNumber: number;
  readonly blobId: string;
  readonly sizeBytes: number;
  readonly etag: string;
}

/** What a catalog holds, counted row by row. */
export interface CatalogCounts {
  objects: number;
  versions: number;
  bytes: number;
  partBytes: number;
  openUploads: number;
}

/** What the verification of a catalog comes upon, one by one. */
export type CatalogFinding =
  /** A row or the file is damaged, or two rows contradict each other. */
  | { readonly kind: "damaged"; readonly text: string }
  /** A stored number differs from the recount. */
  | { readonly kind: "drifted"; readonly text: string }
  | { readonly kind: "version"; readonly version: StoredVersion }
  | { readonly kind: "part"; readonly part: StoredPart }
  /** Comes last. */
  | { readonly kind: "counted"; readonly counts: CatalogCounts };

/** How findings name a version. */
export function renderPlace({ key, hlc, isLive }: Pick<StoredVersion, "key" | "hlc" | "isLive">): string {
  return `${JSON.stringify(key)} (${hlc}${isLive ? "" : ", replaced or deleted since"})`;
}

/** A finding of damage. */
export function damaged(text: string): CatalogFinding {
  return { kind: "damaged", text };
}
