import { afterAll, expect, test } from "bun:test";
import { readXmlElements, readXmlText, readXmlTexts } from "#testing/acceptance/xml-text.ts";
import { startPoolServer } from "#testing/pool-server.ts";

const server = await startPoolServer({ buckets: { versioned: "enabled", suspended: "suspended", plain: "never" } });
const bucket = server.bucket("versioned");
const written: string[] = [];
for (const key of ["a", "b", "b", "b", "c/1", "c/2"])
  written.push((await bucket.put(key, key)).headers["x-amz-version-id"] ?? "");
await bucket.delete("a");
afterAll(() => server.remove());

test("listObjectVersions: newest first, markers among versions, one latest per key", async () => {
  const { text } = await bucket.list("versions");
  expect(readXmlTexts(text, "Key")).toEqual(["a", "a", "b", "b", "b", "c/1", "c/2"]);
  expect(readXmlTexts(text, "IsLatest")).toEqual(["true", "false", "true", "false", "false", "true", "true"]);
  expect(readXmlElements(text, "DeleteMarker").length).toBe(1);
  expect(readXmlTexts(text, "VersionId").slice(1)).toEqual([0, 3, 2, 1, 4, 5].map((index) => written[index] ?? ""));
  expect(text).toContain('<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">');
});

test("listObjectVersions: every page size gives the whole list, with delimiter too", async () => {
  for (const [delimiter, expected] of [
    ["", ["a", "a", "b", "b", "b", "c/1", "c/2"]],
    ["%2F", ["a", "a", "b", "b", "b", "c/"]],
  ] as const) {
    for (let pageSize = 1; pageSize <= 8; pageSize++) {
      const seen: string[] = [];
      for (let marker = ""; ; ) {
        const { text } = await bucket.list(`versions&delimiter=${delimiter}&max-keys=${pageSize}${marker}`);
        seen.push(
          ...readXmlTexts(text, "Key"),
          ...readXmlElements(text, "CommonPrefixes").map((inner) => readXmlText(inner, "Prefix") ?? ""),
        );
        if (readXmlText(text, "IsTruncated") !== "true") break;
        const versionId = readXmlText(text, "NextVersionIdMarker");
        marker = `&key-marker=${encodeURIComponent(readXmlText(text, "NextKeyMarker") ?? "")}${versionId === undefined ? "" : `&version-id-marker=${versionId}`}`;
      }
      expect([pageSize, seen]).toEqual([pageSize, [...expected]]);
    }
  }
});

test("listObjectVersions: key-marker alone skips its key; a version marker works after its version is gone", async () => {
  expect(readXmlTexts((await bucket.list("versions&key-marker=b")).text, "Key")).toEqual(["c/1", "c/2"]);
  const gone = (await bucket.put("gone", "1")).headers["x-amz-version-id"] ?? "";
  const older = gone;
  const newest = (await bucket.put("gone", "2")).headers["x-amz-version-id"] ?? "";
  await bucket.delete("gone", {}, `versionId=${newest}`);
  const listed = await bucket.list(`versions&prefix=gone&key-marker=gone&version-id-marker=${newest}`);
  expect(readXmlTexts(listed.text, "VersionId")).toEqual([older]);
  expect(readXmlText(listed.text, "VersionIdMarker")).toBe(newest);
});

test("listObjectVersions: `null` is a marker; when it is gone its key is listed again, not cut short", async () => {
  const plain = server.bucket("plain");
  for (const key of ["x", "y"]) await plain.put(key, "1");
  expect(readXmlTexts((await plain.list("versions")).text, "VersionId")).toEqual(["null", "null"]);
  expect(readXmlTexts((await plain.list("versions&key-marker=x&version-id-marker=null")).text, "Key")).toEqual(["y"]);
  await plain.delete("x");
  expect(readXmlTexts((await plain.list("versions&key-marker=x&version-id-marker=null")).text, "Key")).toEqual(["y"]);
  await bucket.put("n", "1");
  expect(
    readXmlTexts((await bucket.list("versions&prefix=n&key-marker=n&version-id-marker=null")).text, "Key"),
  ).toEqual(["n"]);
});

test("listObjectVersions: a version marker without key, an empty one and an ill-formed one are InvalidArgument", async () => {
  for (const query of [
    "version-id-marker=null",
    "key-marker=a&version-id-marker=",
    "key-marker=a&version-id-marker=a%00b",
    `key-marker=a&version-id-marker=${"v".repeat(1025)}`,
  ]) {
    const answer = await bucket.list(`versions&${query}`);
    expect([query, answer.status, answer.code]).toEqual([query, 400, "InvalidArgument"]);
  }
});

test("listObjectVersions: a suspended bucket lists the null version among the others", async () => {
  const suspended = server.bucket("suspended");
  await suspended.put("k", "1");
  await suspended.delete("k");
  const { text } = await suspended.list("versions");
  expect([readXmlTexts(text, "VersionId"), readXmlElements(text, "DeleteMarker").length]).toEqual([["null"], 1]);
});
