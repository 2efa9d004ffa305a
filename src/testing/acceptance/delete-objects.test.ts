import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import type { BucketClient } from "./bucket-client.ts";
import { openConnection } from "./raw-connection.ts";
import { clientOf, type S3Response, withText } from "./s3-client.ts";
import { md5Base64, oddKeys } from "./test-data.ts";
import { escapeXmlText, readXmlElements, readXmlText } from "./xml-text.ts";

const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("delete-objects");
afterAll(async () => {
  s3.close();
  await server.remove();
});

test("DeleteObjects: results come per key and in order, missing keys count as deleted", async () => {
  for (const key of oddKeys) await bucket.put(key, "x");
  const keys = [...oddKeys, "never-there"];
  const answer = await deleteObjects(bucket, keys.map(objectElement));
  expect(answer.status).toBe(200);
  expect(readXmlElements(answer.text, "Deleted").map((inner) => readXmlText(inner, "Key"))).toEqual(keys);
  expect((await bucket.list()).text).not.toContain("<Contents>");
});

test("DeleteObjects: Quiet drops the successes and keeps the errors", async () => {
  await bucket.put("quiet", "x");
  const elements = [objectElement("quiet"), "<Object><Key>bad</Key><VersionId>no such id</VersionId></Object>"];
  const answer = await deleteObjects(bucket, elements, true);
  expect(readXmlElements(answer.text, "Deleted")).toEqual([]);
  expect(readXmlElements(answer.text, "Error").map((inner) => readXmlText(inner, "Code"))).toEqual(["NoSuchVersion"]);
  expect((await bucket.head("quiet")).status).toBe(404);
});

test("DeleteObjects: a condition that fails is PreconditionFailed for its key, and the key stays", async () => {
  const { headers } = await bucket.put("kept", "x");
  await bucket.put("let-go", "x");
  const etag = escapeXmlText(headers["etag"] ?? "");
  const elements = [
    '<Object><Key>kept</Key><ETag>"0123456789abcdef0123456789abcdef"</ETag></Object>',
    `<Object><Key>let-go</Key><ETag>${etag}</ETag><Size>1</Size></Object>`,
  ];
  const answer = await deleteObjects(bucket, elements);
  expect(
    readXmlElements(answer.text, "Error").map((inner) => [readXmlText(inner, "Key"), readXmlText(inner, "Code")]),
  ).toEqual([["kept", "PreconditionFailed"]]);
  expect((await bucket.head("kept")).status).toBe(200);
  expect((await bucket.head("let-go")).status).toBe(404);
});

test("DeleteObjects: 1,000 keys are taken, 1,001 are MalformedXML and delete nothing", async () => {
  await bucket.put("key-0", "x");
  const keys = Array.from({ length: 1001 }, (_, index) => objectElement(`key-${index}`));
  const tooMany = await deleteObjects(bucket, keys);
  expect([tooMany.status, tooMany.code]).toEqual([400, "MalformedXML"]);
  expect((await bucket.head("key-0")).status).toBe(200);
  const answer = await deleteObjects(bucket, keys.slice(0, 1000));
  expect(readXmlElements(answer.text, "Deleted").length).toBe(1000);
  expect((await bucket.head("key-0")).status).toBe(404);
});

test("DeleteObjects: without any digest of the body 400, with a wrong one BadDigest, and nothing is deleted", async () => {
  await bucket.put("digest", "x");
  const body = render([objectElement("digest")]);
  const query = "delete";
  const none = await bucket.sendToBucket({ method: "POST", query, body });
  expect([none.status, none.code]).toEqual([400, "InvalidRequest"]);
  const wrong = await bucket.sendToBucket({
    method: "POST",
    query,
    body,
    headers: { "content-md5": md5Base64("other") },
  });
  expect([wrong.status, wrong.code]).toEqual([400, "BadDigest"]);
  expect((await bucket.head("digest")).status).toBe(200);
});

test("DeleteObjects: broken XML is MalformedXML", async () => {
  await bucket.put("broken", "x");
  const bodies = ["", "<Delete>", "<Delete></Delete>", "<Wrong><Object><Key>broken</Key></Object></Wrong>", "no xml"];
  for (const body of bodies) {
    const headers = { "content-md5": md5Base64(body) };
    const answer = await bucket.sendToBucket({ method: "POST", query: "delete", body, headers });
    expect([body, answer.status, answer.code]).toEqual([body, 400, body === "" ? answer.code : "MalformedXML"]);
  }
  expect((await bucket.head("broken")).status).toBe(200);
});

function deleteObjects(target: BucketClient, elements: readonly string[], quiet = false): Promise<S3Response> {
  const body = render(elements, quiet);
  const headers = { "content-md5": md5Base64(body), "content-type": "application/xml" };
  return target.sendToBucket({ method: "POST", query: "delete", body, headers });
}

function render(elements: readonly string[], quiet = false): string {
  const flag = quiet ? "<Quiet>true</Quiet>" : "";
  return `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${flag}${elements.join("")}</Delete>`;
}

function objectElement(key: string): string {
  return `<Object><Key>${escapeXmlText(key).replaceAll("\t", "&#9;")}</Key></Object>`;
}

test("DeleteObjects: large bodies are held no longer than their request", async () => {
  const filler = `<!--${"x".repeat(7 * 2 ** 20)}-->`;
  for (let count = 0; count < 20; count++) {
    const answer = await deleteObjects(bucket, [filler, objectElement("absent")]);
    expect(answer.status).toBe(200);
  }
}, 30_000);

test("DeleteObjects: nobody is refused before a byte of the body is taken", async () => {
  await bucket.put("guarded", "x");
  const target = bucket.target(undefined, "delete");
  const head = s3.prepare({
    method: "POST",
    target,
    credentials: null,
    headers: { "content-length": "100000", "content-md5": md5Base64("other"), expect: "100-continue" },
  }).head;
  for (const sent of [head, head.replace("expect: 100-continue\r\n", "")]) {
    const connection = await openConnection({ port: s3.port });
    await connection.write(sent);
    const answer = withText(await connection.readResponse("POST", 5000));
    expect([answer.status, answer.code, answer.interim]).toEqual([403, "AccessDenied", []]);
    await connection.waitForEnd(5000);
    connection.destroy();
  }
  expect((await bucket.get("guarded")).text).toBe("x");
});
