import { createHash } from "node:crypto";
import { BucketClient } from "../acceptance/bucket-client.ts";
import { MultipartUpload } from "../acceptance/multipart-upload.ts";
import type { S3Client } from "../acceptance/s3-client.ts";
import { seededBytes } from "../acceptance/test-data.ts";
import type { AllowedFacts, Facts } from "./expected-facts.ts";
import { readStore } from "./read-store.ts";

const probeSizes = [1_000, 200_000];

/** What a server shows beside what it promised. */
export interface ComparedStore {
  /** One line for each thing that is wrong. */
  readonly violations: readonly string[];
  /** What each client's buckets hold, in the order asked for. */
  readonly facts: readonly Facts[];
  readonly buckets: readonly string[];
}

/** Reads everything and compares it with the states that are allowed. */
export async function compareStore(s3: S3Client, allowed: readonly AllowedFacts[]): Promise<ComparedStore> {
  const seen = await readStore(s3);
  const violations = [...seen.contradictions];
  const unknown = new Set(seen.factsByBucket.keys());
  const facts = allowed.map(({ client, states }) => {
    const buckets = [...seen.factsByBucket].filter(([bucket]) => bucket.startsWith(`${client}-`));
    for (const [bucket] of buckets) unknown.delete(bucket);
    const own = new Map(buckets.flatMap(([, each]) => [...each]));
    const differences = states.map((state) => compareFacts(state, own));
    if (differences.every(({ length }) => length > 0)) violations.push(...(differences[0] ?? []));
    return own;
  });
  for (const bucket of unknown) violations.push(`bucket ${bucket} was never made`);
  return { violations, facts, buckets: [...seen.factsByBucket.keys()] };
}

/**
 * Compares a store as `compareStore` does, then uses it: finishes every upload that is open and writes new objects.
 * @returns one line for each thing that is wrong
 */
export async function checkStore(s3: S3Client, allowed: readonly AllowedFacts[]): Promise<string[]> {
  const { violations, facts, buckets } = await compareStore(s3, allowed);
  if (violations.length > 0) return [...violations];
  const unfinished: string[] = [];
  for (const each of facts) unfinished.push(...(await finishUploads(s3, each)));
  return [...unfinished, ...(await probeWrites(s3, buckets))];
}

/** Lines that say how `seen` differs from `wanted`. */
export function compareFacts(wanted: Facts, seen: Facts): string[] {
  const names = [...new Set([...wanted.keys(), ...seen.keys()])].sort();
  return names.flatMap((name) => {
    const [is, was] = [seen.get(name) ?? "absent", wanted.get(name) ?? "absent"];
    return is === was ? [] : [`${name}: ${is}, wanted ${was}`];
  });
}

/** Completes open uploads that have parts: their object must then have the parts' bytes. */
async function finishUploads(s3: S3Client, facts: Facts): Promise<string[]> {
  const violations: string[] = [];
  for (const [name, parts] of facts) {
    const [, uploadId, path] = /^upload (\S+) of (.*)$/.exec(name) ?? [];
    if (uploadId === undefined || path === undefined || parts === "") continue;
    const slash = path.indexOf("/");
    const bucket = new BucketClient(s3, path.slice(0, slash));
    const key = path.slice(slash + 1);
    const listed = parts.split(" ").map((part) => part.split("="));
    const upload = new MultipartUpload(bucket, key, uploadId);
    const answer = await upload.complete(listed.map(([number = "", etag = ""]) => ({ number, etag })));
    const digests = listed.map(([, etag = ""]) => Buffer.from(etag, "hex"));
    const etag = `"${createHash("md5").update(Buffer.concat(digests)).digest("hex")}-${listed.length}"`;
    const object = await bucket.get(key);
    if (answer.status !== 200 || answer.code !== "" || object.status !== 200 || object.headers["etag"] !== etag) {
      violations.push(
        `${name} cannot be completed: ${answer.status} ${answer.code}, then GET answers ${object.status}`,
      );
    } else if (listed.length === 1 && createHash("md5").update(object.body).digest("hex") !== listed[0]?.[1]) {
      violations.push(`${name} was completed, and the object has other bytes`);
    }
  }
  return violations;
}

/** New objects can be stored inline and as blobs, and read back. */
async function probeWrites(s3: S3Client, buckets: readonly string[]): Promise<string[]> {
  const violations: string[] = [];
  for (const bucket of buckets.map((name) => new BucketClient(s3, name))) {
    for (const sizeBytes of probeSizes) {
      const body = seededBytes(sizeBytes, sizeBytes);
      const { status } = await bucket.put("probe", body);
      const object = await bucket.get("probe");
      if (status !== 200 || !object.body.equals(body)) {
        violations.push(`bucket ${bucket.name} takes no new objects: PUT answers ${status}, GET ${object.status}`);
      }
    }
  }
  return violations;
}
