import { afterAll, expect, test } from "bun:test";
import { createUpload } from "#testing/acceptance/multipart-upload.ts";
import { readXmlText, readXmlTexts } from "#testing/acceptance/xml-text.ts";
import { startPoolServer } from "#testing/pool-server.ts";

const server = await startPoolServer({ buckets: { parts: "never", other: "never" } });
const bucket = server.bucket("parts");
afterAll(() => server.remove());

test("listParts: pages of any size show every part once, in the order of the numbers", async () => {
  const upload = await createUpload(bucket, "pages");
  const numbers = [1, 2, 5, 9, 10, 500, 9999, 10_000];
  await Promise.all(numbers.toReversed().map((number) => upload.put(number, `${number}`)));
  for (let size = 1; size <= numbers.length + 1; size++) {
    const seen: number[] = [];
    let marker = "0";
    for (let truncated = "true"; truncated === "true"; ) {
      const page = (await upload.list(`max-parts=${size}&part-number-marker=${marker}`)).text;
      const found = readXmlTexts(page, "PartNumber").map(Number);
      expect([found.length <= size, readXmlText(page, "PartNumberMarker"), readXmlText(page, "MaxParts")]).toEqual([
        true,
        marker,
        `${size}`,
      ]);
      seen.push(...found);
      marker = readXmlText(page, "NextPartNumberMarker") ?? "";
      truncated = readXmlText(page, "IsTruncated") ?? "";
    }
    expect(seen).toEqual(numbers);
  }
});

test("listParts: no parts, max-parts=0 and a marker behind the last part are empty pages", async () => {
  const upload = await createUpload(bucket, "empty");
  expect(readXmlText((await upload.list()).text, "NextPartNumberMarker")).toBe("0");
  await upload.put(3, "x");
  for (const query of ["max-parts=0", "part-number-marker=3", "part-number-marker=999999"]) {
    const page = await upload.list(query);
    expect([
      query,
      page.status,
      readXmlTexts(page.text, "PartNumber").length,
      readXmlText(page.text, "IsTruncated"),
    ]).toEqual([query, 200, 0, "false"]);
  }
});

test("listParts: limits that are no numbers are InvalidArgument, more than 1,000 is 1,000", async () => {
  const upload = await createUpload(bucket, "limits");
  for (const query of [
    "max-parts=-1",
    "max-parts=a",
    "max-parts=",
    "part-number-marker=-1",
    "part-number-marker=1.5",
  ]) {
    const page = await upload.list(query);
    expect([query, page.status, page.code]).toEqual([query, 400, "InvalidArgument"]);
  }
  expect(readXmlText((await upload.list("max-parts=5000")).text, "MaxParts")).toBe("1000");
});

test("listParts: names the upload, its people, its class and its checksum", async () => {
  const upload = await createUpload(bucket, "facts & more", {
    "x-amz-storage-class": "STANDARD_IA",
    "x-amz-checksum-algorithm": "CRC32C",
    "x-amz-checksum-type": "FULL_OBJECT",
  });
  const put = await upload.put(1, "body");
  const { text } = await upload.list();
  const facts = [
    "Bucket",
    "Key",
    "UploadId",
    "StorageClass",
    "ChecksumAlgorithm",
    "ChecksumType",
    "ChecksumCRC32C",
  ].map((name) => readXmlText(text, name));
  expect(facts).toEqual([
    "parts",
    "facts & more",
    upload.uploadId,
    "STANDARD_IA",
    "CRC32C",
    "FULL_OBJECT",
    put.headers["x-amz-checksum-crc32c"] ?? "",
  ]);
  expect(text).toContain(
    `<Initiator><ID>${"c".repeat(64)}</ID><DisplayName>owner</DisplayName></Initiator><Owner><ID>${"c".repeat(64)}</ID>`,
  );
});

test("abortMultipartUpload: x-amz-if-match-initiated-time must be the second the upload began in", async () => {
  const upload = await createUpload(bucket, "timed");
  const listed = await bucket.list("uploads&prefix=timed");
  const initiated = readXmlText(listed.text, "Initiated") ?? "";
  expect((await upload.abort({ "x-amz-if-match-initiated-time": "no date" })).code).toBe("InvalidArgument");
  const wrong = await upload.abort({
    "x-amz-if-match-initiated-time": new Date(Date.parse(initiated) - 1000).toUTCString(),
  });
  expect([wrong.status, wrong.code]).toEqual([412, "PreconditionFailed"]);
  expect((await upload.abort({ "x-amz-if-match-initiated-time": new Date(initiated).toUTCString() })).status).toBe(204);
});
