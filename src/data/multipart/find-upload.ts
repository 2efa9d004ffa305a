import { S3Error } from "#kernel/s3/s3-error.ts";
import type { CatalogReader } from "../catalog/catalog.ts";
import { parseUploadMeta, type UploadMeta } from "../object-meta.ts";

/** What names an upload. The id alone is not enough: it is bound to bucket and key. */
export interface UploadPlace {
  readonly bucketId: string;
  readonly key: string;
  readonly uploadId: string;
}

/** An upload as it was found. */
export interface FoundUpload {
  readonly uploadId: string;
  readonly meta: UploadMeta;
  readonly initiatedHlc: number;
  /** Completed within the last day: only the same completion may be repeated. */
  readonly completed: boolean;
}

/**
 * An upload that is open, or was completed within the last day.
 * @throws S3Error NoSuchUpload (UploadId) when the id is unknown or belongs to another bucket or key
 */
export async function findUpload(catalog: CatalogReader, place: UploadPlace): Promise<FoundUpload> {
  const { bucketId, key, uploadId } = place;
  const state = await catalog.readUpload(bucketId, uploadId);
  if (state?.key !== key) throw noSuchUpload(uploadId);
  const { meta, initiatedHlc, completed } = state;
  return { uploadId, meta: parseUploadMeta(meta), initiatedHlc, completed };
}

/** As `findUpload`, open ones only. @throws S3Error NoSuchUpload (UploadId) */
export async function findOpenUpload(catalog: CatalogReader, place: UploadPlace): Promise<FoundUpload> {
  const upload = await findUpload(catalog, place);
  if (upload.completed) throw noSuchUpload(place.uploadId);
  return upload;
}

function noSuchUpload(uploadId: string): S3Error {
  return new S3Error("NoSuchUpload", { fields: { UploadId: uploadId } });
}
