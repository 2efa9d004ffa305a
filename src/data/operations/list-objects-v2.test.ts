import { afterAll, expect, test } from "bun:test";
import { readXmlElements, readXmlText, readXmlTexts } from "#testing/acceptance/xml-text.ts";
import { startPoolServer } from "#testing/pool-server.ts";

const keys = ["a", "b/1", "b/2", "c", "d+ e", "\u00e9/\u{1f680}"];
const server = await startPoolServer({
  buckets: { one: "never", two: "enabled" },
  keys: { AKIAWITHOUTLIST00000: [{ actions: ["s3:GetObject"], resources: ["*"] }] },
});
const bucket = server.bucket("one");
for (const key of keys) await bucket.put(key, key);
afterAll(() => server.remove());

test("listObjectsV2: entries carry all facts, the document repeats what was asked", async () => {
  const { text, headers } = await bucket.list("list-type=2&prefix=b&start-after=b");
  const [first = ""] = readXmlElements(text, "Contents");
  expect(first).toMatch(
    /^<Key>b\/1<\/Key><LastModified>[-0-9T:]{19}\.000Z<\/LastModified><ETag>&quot;[0-9a-f]{32}&quot;<\/ETag><ChecksumAlgorithm>CRC64NVME<\/ChecksumAlgorithm><ChecksumType>FULL_OBJECT<\/ChecksumType><Size>3<\/Size><StorageClass>STANDARD<\/StorageClass>$/,
  );
  expect(
    ["Name", "Prefix", "MaxKeys", "StartAfter", "KeyCount", "IsTruncated"].map((name) => readXmlText(text, name)),
  ).toEqual(["one", "b", "1000", "b", "2", "false"]);
  expect(headers["content-type"]).toBe("application/xml");
});

test("listObjectsV2: a token beats start-after and is echoed; it is of no use in another bucket or listing", async () => {
  const first = await bucket.list("list-type=2&max-keys=2");
  const token = readXmlText(first.text, "NextContinuationToken") ?? "";
  const second = await bucket.list(`list-type=2&max-keys=2&start-after=c&continuation-token=${token}`);
  expect([
    readXmlTexts(second.text, "Key"),
    readXmlText(second.text, "ContinuationToken"),
    readXmlText(second.text, "StartAfter"),
  ]).toEqual([["b/2", "c"], token, "c"]);
  const refused = [
    await bucket.list(`list-type=2&prefix=b&continuation-token=${token}`),
    await bucket.list(`list-type=2&delimiter=%2F&continuation-token=${token}`),
    await bucket.list("list-type=2&continuation-token="),
    await server.bucket("two").list(`list-type=2&continuation-token=${token}`),
  ];
  for (const answer of refused) {
    expect([answer.status, answer.code]).toEqual([400, "InvalidArgument"]);
    expect(readXmlText(answer.text, "Message")).toBe("The continuation token provided is incorrect");
  }
});

test("listObjectsV2: deleted objects and old versions are not listed; what was just written is", async () => {
  const two = server.bucket("two");
  for (const key of ["x", "x", "y"]) await two.put(key, "1");
  await two.delete("y");
  expect(readXmlTexts((await two.list("list-type=2")).text, "Key")).toEqual(["x"]);
});

test("listObjects: Marker always, NextMarker whenever there is more, owner always", async () => {
  const { text } = await bucket.list("max-keys=2&delimiter=%2F");
  expect([readXmlText(text, "Marker"), readXmlText(text, "NextMarker"), readXmlTexts(text, "Key")]).toEqual([
    "",
    "b/",
    ["a"],
  ]);
  expect(text).toContain("<Owner><ID>");
  const rest = await bucket.list("marker=b%2F&delimiter=%2F&encoding-type=url");
  expect(readXmlTexts(rest.text, "Key")).toEqual(["c", "d%2B%20e"]);
  expect(readXmlElements(rest.text, "CommonPrefixes").map((inner) => readXmlText(inner, "Prefix"))).toEqual([
    "%C3%A9/",
  ]);
  expect(rest.text).not.toContain("NextMarker");
});

test("listObjectsV2: needs s3:ListBucket; a bucket that is not there is 404", async () => {
  expect((await server.bucket("one", "AKIAWITHOUTLIST00000").list("list-type=2")).code).toBe("AccessDenied");
  expect((await server.bucket("none").list("list-type=2")).code).toBe("NoSuchBucket");
});
