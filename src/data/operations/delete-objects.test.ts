import { afterAll, expect, test } from "bun:test";
import type { BucketClient } from "#testing/acceptance/bucket-client.ts";
import type { S3Response } from "#testing/acceptance/s3-client.ts";
import { md5Base64 } from "#testing/acceptance/test-data.ts";
import { readXmlElements, readXmlText } from "#testing/acceptance/xml-text.ts";
import { startPoolServer } from "#testing/pool-server.ts";
import { identityWith, RequestHarness } from "#testing/request-harness.ts";
import { BodyBudget } from "../request/body-budget.ts";
import { deleteObjects as handle } from "./delete-objects.ts";

const server = await startPoolServer({
  buckets: { plain: "never", versioned: "enabled", suspended: "suspended" },
  keys: {
    AKIADELETER: [
      { actions: ["s3:DeleteObject"], resources: ["arn:aws:s3:::versioned/mine/*"] },
      { actions: ["s3:DeleteObjectVersion"], resources: ["arn:aws:s3:::versioned/mine/purge"] },
    ],
  },
});
const plain = server.bucket("plain");
const versioned = server.bucket("versioned");
const harness = new RequestHarness();
await harness.open();
afterAll(async () => {
  harness.close();
  await server.remove();
});

function deleteObjects(bucket: BucketClient, objects: string): Promise<S3Response> {
  const body = `<Delete>${objects}</Delete>`;
  return bucket.sendToBucket({ method: "POST", query: "delete", body, headers: { "content-md5": md5Base64(body) } });
}

test("deleteObjects: every key needs its own permission, the version's where one is named", async () => {
  const put = await versioned.put("mine/a", "x");
  const purge = await versioned.put("mine/purge", "x");
  await versioned.put("theirs", "x");
  const versionOf = (response: S3Response) => `<VersionId>${response.headers["x-amz-version-id"]}</VersionId>`;
  const answer = await deleteObjects(
    server.bucket("versioned", "AKIADELETER"),
    `<Object><Key>theirs</Key></Object><Object><Key>mine/a</Key>${versionOf(put)}</Object><Object><Key>mine/a</Key></Object><Object><Key>mine/purge</Key>${versionOf(purge)}</Object><Object><Key>theirs</Key><VersionId>bad id</VersionId></Object>`,
  );
  expect(answer.status).toBe(200);
  expect(
    readXmlElements(answer.text, "Error").map((inner) => [readXmlText(inner, "Key"), readXmlText(inner, "Code")]),
  ).toEqual([
    ["theirs", "AccessDenied"],
    ["mine/a", "AccessDenied"],
    ["theirs", "AccessDenied"],
  ]);
  expect(readXmlElements(answer.text, "Deleted").map((inner) => readXmlText(inner, "Key"))).toEqual([
    "mine/a",
    "mine/purge",
  ]);
  expect((await versioned.get("theirs")).text).toBe("x");
  expect((await versioned.get("mine/a", {}, `versionId=${put.headers["x-amz-version-id"]}`)).text).toBe("x");
  expect((await versioned.get("mine/purge", {}, `versionId=${purge.headers["x-amz-version-id"]}`)).code).toBe(
    "NoSuchVersion",
  );
});

test("deleteObjects: markers made and removed are named, versions too", async () => {
  const put = await versioned.put("markers", "x");
  const made = await deleteObjects(versioned, "<Object><Key>markers</Key></Object>");
  const marker = readXmlText(made.text, "DeleteMarkerVersionId") ?? "";
  expect([readXmlText(made.text, "DeleteMarker"), marker.length, readXmlText(made.text, "VersionId")]).toEqual([
    "true",
    32,
    undefined,
  ]);
  const removed = await deleteObjects(
    versioned,
    `<Object><Key>markers</Key><VersionId>${marker}</VersionId></Object><Object><Key>markers</Key><VersionId>${put.headers["x-amz-version-id"]}</VersionId></Object>`,
  );
  const [first = "", second = ""] = readXmlElements(removed.text, "Deleted");
  expect([
    readXmlText(first, "VersionId"),
    readXmlText(first, "DeleteMarker"),
    readXmlText(first, "DeleteMarkerVersionId"),
  ]).toEqual([marker, "true", marker]);
  expect([readXmlText(second, "VersionId"), readXmlText(second, "DeleteMarker")]).toEqual([
    put.headers["x-amz-version-id"],
    undefined,
  ]);
  const suspended = await deleteObjects(server.bucket("suspended"), "<Object><Key>none</Key></Object>");
  expect(readXmlText(suspended.text, "DeleteMarkerVersionId")).toBe("null");
});

test("deleteObjects: keys that cannot be and ids that are ill formed are errors of their own", async () => {
  await plain.put("good", "x");
  const long = "k".repeat(1025);
  const ids = ["", " ", "a b", "é", "x".repeat(1025)]
    .map((id) => `<Object><Key>good</Key><VersionId>${id}</VersionId></Object>`)
    .join("");
  const answer = await deleteObjects(
    plain,
    `<Object><Key>${long}</Key></Object>${ids}<Object><Key>good</Key><VersionId>unknown</VersionId></Object>`,
  );
  const codes = readXmlElements(answer.text, "Error").map((inner) => readXmlText(inner, "Code"));
  expect(codes).toEqual(["KeyTooLongError", ...Array(5).fill("NoSuchVersion")]);
  expect(readXmlElements(answer.text, "Deleted").length).toBe(1);
  expect((await plain.head("good")).status).toBe(200);
});

test("deleteObjects: a header that is no digest does not count as one", async () => {
  const body = "<Delete><Object><Key>a</Key></Object></Delete>";
  const headers = { "x-amz-checksum-type": "FULL_OBJECT", "x-amz-checksum-algorithm": "CRC32" };
  expect((await plain.sendToBucket({ method: "POST", query: "delete", body, headers })).code).toBe("InvalidRequest");
  const tampered = await plain.sendToBucket({
    method: "POST",
    query: "delete",
    body,
    headers: { "x-amz-checksum-crc32": "AAAAAA==" },
  });
  expect(tampered.code).toBe("BadDigest");
});

test("deleteObjects: the answer's room is taken before anything is done, and is at least its length", async () => {
  const keys = ["\"&<>'".repeat(200), "é".repeat(512), "a"];
  const body = `<Delete>${keys.map((key) => `<Object><Key><![CDATA[${key}]]></Key></Object>`).join("")}</Delete>`;
  const headers = { "content-md5": md5Base64(body) };
  const ask = async (limitBytes: number) => {
    const bodyBudget = new BodyBudget(limitBytes, { waitMs: 20, share: 1 });
    let takenBytes = 0;
    const plane = { bodyBudget };
    const work = async (request: Parameters<typeof handle>[0]) => {
      await handle(request);
      takenBytes = bodyBudget.usedBytes;
    };
    const parts = { identity: identityWith([]) };
    const answer = await harness.run(work, { method: "POST", path: "/bucket?delete", body, headers, plane, parts });
    return { status: answer.status, text: await answer.text(), takenBytes };
  };
  const { status, text, takenBytes } = await ask(2 ** 20);
  expect([status, [...text.matchAll(/AccessDenied/g)].length]).toEqual([200, 3]);
  const answerBytes = takenBytes - Buffer.byteLength(body);
  expect(answerBytes).toBeGreaterThanOrEqual(Buffer.byteLength(text));
  expect(answerBytes).toBeLessThan(Buffer.byteLength(text) + 3 * 1_024);
  expect(await ask(takenBytes)).toMatchObject({ status: 200 });
  expect(await ask(takenBytes - 1)).toMatchObject({ status: 599, text: "SlowDown" });
});
