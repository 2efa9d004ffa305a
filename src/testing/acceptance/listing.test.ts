import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { compareKeys, listModel, sortKeys } from "./listing-model.ts";
import { pagedOperations, readPages } from "./listing-pages.ts";
import { createUpload } from "./multipart-upload.ts";
import { clientOf } from "./s3-client.ts";
import { readXmlElements, readXmlText, readXmlTexts } from "./xml-text.ts";

const keys = [
  "a",
  "a/",
  "a/b",
  "a/b/c",
  "a/b/d",
  "a//",
  "a//b",
  "ab",
  "b",
  "b/1",
  "b/2",
  "b/3/x",
  "b0",
  "c//d//e",
  "z/",
  "\u00e9/1",
  "\u00e9/2",
  "\ud83d\ude80",
  "\uffee",
  "p/q/r/s",
  "p/q/r/t",
];
const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("listing");
await Promise.all(keys.map((key) => bucket.put(key, "x")));
for (const key of keys) await createUpload(bucket, key);
afterAll(async () => {
  s3.close();
  await server.remove();
});

const queries = ["", "a", "a/", "b/", "\u00e9", "none"].flatMap((prefix) =>
  ["", "/", "//", "b/"].flatMap((delimiter) =>
    ["", "a/b", "a/b/", "b", "b/2", "\u00e9"].map((after) => ({ prefix, delimiter, after })),
  ),
);

for (const operation of pagedOperations) {
  test(`${operation.name}: every page size names each key and common prefix of the model once, in order`, async () => {
    for (const [index, query] of queries.entries()) {
      const expected = listModel(keys, query);
      // Every query is read with a few sizes, every size with some queries: all pairs would take minutes.
      const sizes =
        index % 6 === 0 ? Array.from({ length: expected.length + 1 }, (_, size) => size + 1) : [1, 2, 3, 1000];
      for (const pageSize of sizes) {
        const pages = await readPages(bucket, operation, { ...query, pageSize });
        expect([operation.name, query, pageSize, pages.flatMap(({ entries }) => entries)]).toEqual([
          operation.name,
          query,
          pageSize,
          expected,
        ]);
        for (const { entries } of pages) expect(entries.length).toBeLessThanOrEqual(pageSize);
      }
    }
  }, 120_000);
}

test("listModel: order is that of UTF-8 bytes, not of UTF-16 units", () => {
  expect(compareKeys("\ud83d\ude80", "\uffee")).toBeGreaterThan(0);
  expect(sortKeys(["b", "a/", "a"])).toEqual(["a", "a/", "b"]);
});

test("ListObjectsV2: key count, echoes and owner", async () => {
  const page = await bucket.list("list-type=2&max-keys=3&prefix=a&delimiter=%2F&start-after=a");
  expect(readXmlText(page.text, "KeyCount")).toBe("2");
  expect([
    readXmlText(page.text, "Prefix"),
    readXmlText(page.text, "Delimiter"),
    readXmlText(page.text, "StartAfter"),
  ]).toEqual(["a", "/", "a"]);
  expect([readXmlText(page.text, "Name"), readXmlText(page.text, "MaxKeys")]).toEqual(["listing", "3"]);
  expect(page.text).not.toContain("<Owner>");
  expect((await bucket.list("list-type=2&fetch-owner=true")).text).toContain("<Owner><ID>");
  expect((await bucket.list("")).text).toContain("<Owner><ID>");
  expect((await bucket.list("list-type=2&delimiter=")).text).not.toContain("<Delimiter>");
  expect(page.text).toContain('<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">');
  expect(page.headers["content-type"]).toBe("application/xml");
});

test("every listing: a limit of 0 is an empty page that is not truncated, above 1,000 it is cut, else InvalidArgument", async () => {
  for (const [query, limit] of [
    ["prefix=", "max-keys"],
    ["list-type=2", "max-keys"],
    ["versions", "max-keys"],
    ["uploads", "max-uploads"],
  ] as const) {
    const empty = await bucket.list(`${query}&${limit}=0`);
    expect([query, empty.status, readXmlText(empty.text, "IsTruncated"), readXmlTexts(empty.text, "Key")]).toEqual([
      query,
      200,
      "false",
      [],
    ]);
    expect((await bucket.list(`${query}&${limit}=100000`)).status).toBe(200);
    for (const bad of ["-1", "x", "1.5"]) {
      const answer = await bucket.list(`${query}&${limit}=${bad}`);
      expect([query, bad, answer.status, answer.code]).toEqual([query, bad, 400, "InvalidArgument"]);
    }
  }
});

test("ListObjectsV2: an altered, foreign or empty token is InvalidArgument", async () => {
  const first = await bucket.list("list-type=2&max-keys=2");
  const token = readXmlText(first.text, "NextContinuationToken") ?? "";
  const altered = `${token.slice(0, -2)}${token.endsWith("AA") ? "BB" : "AA"}`;
  const twin = await s3.createBucket("listing-twin");
  await twin.put("a", "x");
  const answers = [
    await bucket.list(`list-type=2&continuation-token=${encodeURIComponent(altered)}`),
    await bucket.list("list-type=2&continuation-token="),
    await bucket.list("list-type=2&continuation-token=abc"),
    await bucket.list(`list-type=2&prefix=b&continuation-token=${encodeURIComponent(token)}`),
    await twin.list(`list-type=2&continuation-token=${encodeURIComponent(token)}`),
  ];
  for (const answer of answers) expect([answer.status, answer.code]).toEqual([400, "InvalidArgument"]);
});

test("ListObjects: encoding-type=url encodes keys and prefixes, any other value is InvalidArgument", async () => {
  const encoded = await s3.createBucket("listing-encoded");
  for (const key of ["a b+c/\u00e9", "tab\there", "control\u0001", "plain-_.*/ok"]) await encoded.put(key, "x");
  const listed = await encoded.list("list-type=2&encoding-type=url");
  expect(readXmlElements(listed.text, "Contents").map((inner) => readXmlText(inner, "Key"))).toEqual([
    "a%20b%2Bc/%C3%A9",
    "control%01",
    "plain-_.*/ok",
    "tab%09here",
  ]);
  expect(readXmlText(listed.text, "EncodingType")).toBe("url");
  const folded = await encoded.list("encoding-type=url&delimiter=%2B&prefix=a%20");
  expect(readXmlElements(folded.text, "CommonPrefixes").map((inner) => readXmlText(inner, "Prefix"))).toEqual([
    "a%20b%2B",
  ]);
  expect([readXmlText(folded.text, "Delimiter"), readXmlTexts(folded.text, "Prefix")[0]]).toEqual(["%2B", "a%20"]);
  for (const bad of ["xml", ""]) expect((await encoded.list(`encoding-type=${bad}`)).code).toBe("InvalidArgument");
});

test("ListObjectVersions: a bucket that never had versions lists null, a version id marker alone is InvalidArgument", async () => {
  const listed = await bucket.list("versions&max-keys=2");
  expect(readXmlTexts(listed.text, "VersionId")).toEqual(["null", "null"]);
  expect(readXmlTexts(listed.text, "IsLatest")).toEqual(["true", "true"]);
  expect((await bucket.list("versions&version-id-marker=null")).code).toBe("InvalidArgument");
});

test("ListMultipartUploads: uploads of one key stand in the order they began, over pages too", async () => {
  const uploads = await s3.createBucket("listing-uploads");
  const ids: string[] = [];
  for (let index = 0; index < 5; index++) ids.push((await createUpload(uploads, "same")).uploadId);
  for (const pageSize of [1, 2, 5]) {
    const operation = pagedOperations.find(({ name }) => name === "ListMultipartUploads");
    if (operation === undefined) throw new Error("No such pager");
    const pages = await readPages(uploads, operation, { prefix: "", delimiter: "", after: "", pageSize });
    expect(
      pages.flatMap(({ text }) => readXmlElements(text, "Upload").map((inner) => readXmlText(inner, "UploadId"))),
    ).toEqual(ids);
  }
});

test("ListParts: every page size names each part once, in order of numbers", async () => {
  const upload = await createUpload(bucket, "parts");
  const numbers = [1, 2, 3, 5, 8, 13, 10_000];
  await Promise.all(numbers.map((number) => upload.put(number, `part ${number}`)));
  for (let pageSize = 1; pageSize <= numbers.length + 1; pageSize++) {
    const seen: string[] = [];
    for (let marker = "0"; ; ) {
      const page = await upload.list(`max-parts=${pageSize}&part-number-marker=${marker}`);
      seen.push(...readXmlTexts(page.text, "PartNumber"));
      marker = readXmlText(page.text, "NextPartNumberMarker") ?? "";
      if (readXmlText(page.text, "IsTruncated") !== "true") break;
    }
    expect(seen).toEqual(numbers.map(String));
  }
});
