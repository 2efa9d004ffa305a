/** A request for an object, as the audit tells of it. */
export interface DataEvent {
  /** ms since 1970. */
  readonly timeMs: number;
  /** Owner of the bucket; the caller's tenant where there is no such bucket; null for anonymous callers there. */
  readonly tenantId: string | null;
  /** Null for anonymous callers, and for callers that could not be authenticated. */
  readonly actor: { readonly id: string; readonly name: string; readonly accessKeyId: string } | null;
  /** For example `s3:GetObject`. */
  readonly action: string;
  readonly bucket: string | undefined;
  readonly bucketId: string | undefined;
  readonly key: string | undefined;
  readonly status: number;
  /** Code of the error, if one was answered. */
  readonly code: string | undefined;
  readonly requestId: string;
  readonly address: string;
  readonly agent: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
}
