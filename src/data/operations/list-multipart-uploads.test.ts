import { afterAll, expect, test } from "bun:test";
import { createUpload, type MultipartUpload } from "#testing/acceptance/multipart-upload.ts";
import { readXmlElements, readXmlText, readXmlTexts } from "#testing/acceptance/xml-text.ts";
import { startPoolServer } from "#testing/pool-server.ts";

const server = await startPoolServer({ buckets: { uploads: "never" } });
const bucket = server.bucket("uploads");
const opened: MultipartUpload[] = [];
for (const key of ["same", "d/1", "same", "d/2", "same", "a+b"]) opened.push(await createUpload(bucket, key));
afterAll(() => server.remove());

test("listMultipartUploads: by key, then by start; facts of each upload", async () => {
  const { text } = await bucket.list("uploads");
  const ids = [5, 1, 3, 0, 2, 4].map((index) => opened[index]?.uploadId ?? "");
  expect(readXmlTexts(text, "UploadId")).toEqual(ids);
  const [first = ""] = readXmlElements(text, "Upload");
  expect([
    readXmlText(first, "Key"),
    readXmlText(first, "StorageClass"),
    readXmlText(text, "MaxUploads"),
    readXmlText(text, "Bucket"),
  ]).toEqual(["a+b", "STANDARD", "1000", "uploads"]);
  expect(first).toMatch(/<Initiator><ID>.+<\/DisplayName><\/Initiator><Owner><ID>.+<\/Owner>/);
  expect(readXmlText(first, "Initiated")).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
});

test("listMultipartUploads: goes on behind an upload, also one that was aborted or completed meanwhile", async () => {
  const later = await createUpload(bucket, "later");
  const last = await createUpload(bucket, "later");
  const query = `uploads&prefix=later&key-marker=later&upload-id-marker=${later.uploadId}`;
  expect(readXmlTexts((await bucket.list(query)).text, "UploadId")).toEqual([last.uploadId]);
  await later.abort();
  expect(readXmlTexts((await bucket.list(query)).text, "UploadId")).toContain(last.uploadId);
  await last.abort();
});

test("listMultipartUploads: key-marker alone skips its key, upload-id-marker alone is ignored", async () => {
  expect(readXmlTexts((await bucket.list("uploads&key-marker=d%2F2")).text, "Key")).toEqual(["same", "same", "same"]);
  expect(readXmlTexts((await bucket.list("uploads&upload-id-marker=whatever&max-uploads=2")).text, "Key")).toEqual([
    "a+b",
    "d/1",
  ]);
});

test("listMultipartUploads: prefix, delimiter, encoding, limits", async () => {
  const folded = await bucket.list("uploads&delimiter=%2F&encoding-type=url");
  expect(readXmlElements(folded.text, "CommonPrefixes").map((inner) => readXmlText(inner, "Prefix"))).toEqual(["d/"]);
  expect(readXmlTexts(folded.text, "Key")).toEqual(["a%2Bb", "same", "same", "same"]);
  const page = await bucket.list("uploads&max-uploads=2&delimiter=%2F");
  expect([
    readXmlText(page.text, "IsTruncated"),
    readXmlText(page.text, "NextKeyMarker"),
    page.text.includes("NextUploadIdMarker"),
  ]).toEqual(["true", "d/", false]);
  expect((await bucket.list("uploads&max-uploads=-1")).code).toBe("InvalidArgument");
  expect((await bucket.list("uploads&encoding-type=xml")).code).toBe("InvalidArgument");
});
