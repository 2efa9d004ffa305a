import { isUnavailable } from "../unavailable.ts";
import { openUntouched } from "./open-untouched.ts";

/** A version's key and the JSON of its `ObjectMeta`. */
export interface SampledDetail {
  readonly key: string;
  readonly meta: string;
}

const sampleSql = "SELECT v.key, d.meta FROM version v JOIN detail d ON d.detail_id = v.detail_id LIMIT ?";

/** Some versions of a bucket, at most `limit`; none when its catalog is missing or damaged. Nothing is changed. */
export function sampleDetails(dataDir: string, bucketId: string, limit: number): readonly SampledDetail[] {
  try {
    const database = openUntouched(dataDir, bucketId);
    try {
      return database.query<SampledDetail, [number]>(sampleSql).all(limit);
    } finally {
      database.close();
    }
  } catch (error) {
    if (isUnavailable(error)) return [];
    throw error;
  }
}
