import { BucketClient } from "../acceptance/bucket-client.ts";
import type { S3Client, S3Response } from "../acceptance/s3-client.ts";
import { md5Hex } from "../acceptance/test-data.ts";
import { readXmlElements, readXmlText, readXmlTexts } from "../acceptance/xml-text.ts";
import { bucketFact, describeObject, describeParts, objectFact, uploadFact } from "./expected-facts.ts";

/** What a running server shows. */
export interface SeenStore {
  /** By bucket, so that each client's part can be compared alone. */
  readonly factsByBucket: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** What contradicts itself: a listing that differs from a read, a read that fails. */
  readonly contradictions: readonly string[];
}

/** Reads everything in a store whose buckets hold less than 1,000 keys and uploads each. */
export async function readStore(s3: S3Client): Promise<SeenStore> {
  const contradictions: string[] = [];
  const factsByBucket = new Map<string, Map<string, string>>();
  const buckets = await require200(s3.send({ method: "GET", target: "/" }), "ListBuckets");
  for (const name of readXmlElements(buckets.text, "Bucket").map((each) => readXmlText(each, "Name") ?? "")) {
    const facts = new Map([[bucketFact(name), "there"]]);
    factsByBucket.set(name, facts);
    try {
      await readObjects(new BucketClient(s3, name), { facts, contradictions });
      await readUploads(new BucketClient(s3, name), facts);
    } catch (error) {
      contradictions.push(`bucket ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { factsByBucket, contradictions };
}

interface Found {
  readonly facts: Map<string, string>;
  readonly contradictions: string[];
}

async function readObjects(bucket: BucketClient, { facts, contradictions }: Found): Promise<void> {
  const listing = await require200(bucket.list("list-type=2"), `ListObjectsV2 of ${bucket.name}`);
  for (const entry of readXmlElements(listing.text, "Contents")) {
    const key = readXmlText(entry, "Key") ?? "";
    const path = `${bucket.name}/${key}`;
    const object = await bucket.get(key);
    if (object.status !== 200) {
      contradictions.push(`${path} is listed, and GET answers ${object.status} ${object.code}`);
      continue;
    }
    facts.set(objectFact(path), describeObject(object.body));
    const etag = object.headers["etag"] ?? "";
    const listed = `${readXmlText(entry, "Size")} ${readXmlText(entry, "ETag")}`;
    if (listed !== `${object.body.length} ${etag}`) {
      contradictions.push(`${path} is listed as ${listed}, and GET gives ${object.body.length} ${etag}`);
    }
    if (!etag.includes("-") && etag !== `"${md5Hex(object.body)}"`) {
      contradictions.push(`${path} has ETag ${etag}, and its bytes have MD5 ${md5Hex(object.body)}`);
    }
  }
}

async function readUploads(bucket: BucketClient, facts: Map<string, string>): Promise<void> {
  const listing = await require200(bucket.list("uploads"), `ListMultipartUploads of ${bucket.name}`);
  for (const entry of readXmlElements(listing.text, "Upload")) {
    const key = readXmlText(entry, "Key") ?? "";
    const uploadId = readXmlText(entry, "UploadId") ?? "";
    const query = `uploadId=${encodeURIComponent(uploadId)}`;
    const { text } = await require200(bucket.get(key, {}, query), `ListParts of ${bucket.name}/${key}`);
    const parts = readXmlElements(text, "Part").map((part) => ({
      number: Number(readXmlText(part, "PartNumber")),
      etag: (readXmlTexts(part, "ETag")[0] ?? "").replaceAll('"', ""),
    }));
    facts.set(uploadFact(`${bucket.name}/${key}`, uploadId), describeParts(parts));
  }
}

async function require200(answer: Promise<S3Response>, what: string): Promise<S3Response> {
  const response = await answer;
  if (response.status !== 200) throw new Error(`${what} answers ${response.status}: ${response.text}`);
  return response;
}
