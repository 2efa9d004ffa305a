import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { clientOf } from "./s3-client.ts";
import { md5Hex, seededBytes } from "./test-data.ts";

const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("conditional");
afterAll(async () => {
  s3.close();
  await server.remove();
});

const otherEtag = '"0123456789abcdef0123456789abcdef"';

test("PutObject: If-None-Match * stores an absent key only, a refusal leaves the old object whole", async () => {
  expect((await bucket.put("new", "first", { "if-none-match": "*" })).status).toBe(200);
  const refused = await bucket.put("new", "second", { "if-none-match": "*" });
  expect([refused.status, refused.code]).toEqual([412, "PreconditionFailed"]);
  expect(refused.text).toContain("<Condition>If-None-Match</Condition>");
  expect((await bucket.get("new")).text).toBe("first");
  await bucket.delete("new");
  expect((await bucket.put("new", "third", { "if-none-match": "*" })).status).toBe(200);
});

test("PutObject: If-Match stores over this very object only", async () => {
  const etag = `"${md5Hex(Buffer.from("one"))}"`;
  const absent = await bucket.put("match", "one", { "if-match": etag });
  expect([absent.status, absent.code]).toEqual([404, "NoSuchKey"]);
  await bucket.put("match", "one");
  const different = await bucket.put("match", "two", { "if-match": otherEtag });
  expect([different.status, different.code]).toEqual([412, "PreconditionFailed"]);
  expect((await bucket.get("match")).text).toBe("one");
  expect((await bucket.put("match", "two", { "if-match": etag.replaceAll('"', "") })).status).toBe(200);
  expect((await bucket.put("match", "three", { "if-match": "*" })).status).toBe(200);
  expect((await bucket.get("match")).text).toBe("three");
});

test("PutObject: If-None-Match with an ETag refuses that object only; both headers are 501", async () => {
  const { headers } = await bucket.put("none-match", "one");
  const same = await bucket.put("none-match", "two", { "if-none-match": headers["etag"] ?? "" });
  expect(same.status).toBe(412);
  expect((await bucket.put("none-match", "two", { "if-none-match": otherEtag })).status).toBe(200);
  const both = await bucket.put("none-match", "x", { "if-none-match": "*", "if-match": otherEtag });
  expect([both.status, both.code]).toEqual([501, "NotImplemented"]);
  expect((await bucket.get("none-match")).text).toBe("two");
});

for (const sizeBytes of [16, 300_000]) {
  test(`PutObject: of 64 racing If-None-Match * of ${sizeBytes} bytes exactly one is 200 and its body stays`, async () => {
    const bodies = Array.from({ length: 64 }, (_, index) => seededBytes(sizeBytes, index));
    const key = `race-${sizeBytes}`;
    const answers = await Promise.all(bodies.map((body) => bucket.put(key, body, { "if-none-match": "*" })));
    const winners = answers.flatMap(({ status }, index) => (status === 200 ? [index] : []));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array.from({ length: 63 }, () => 412)]);
    expect((await bucket.get(key)).body.equals(bodies[winners[0] ?? 0] ?? Buffer.alloc(0))).toBe(true);
  });
}

test("PutObject: compare-and-swap by If-Match loses no update of 8 writers", async () => {
  await bucket.put("counter", "0");
  const increment = async () => {
    for (let done = 0; done < 10; ) {
      const got = await bucket.get("counter");
      const put = await bucket.put("counter", String(Number(got.text) + 1), { "if-match": got.headers["etag"] ?? "" });
      if (put.status === 200) done++;
      else expect(put.status).toBe(412);
    }
  };
  await Promise.all(Array.from({ length: 8 }, increment));
  expect((await bucket.get("counter")).text).toBe("80");
});

test("DeleteObject: If-Match, size and time must all hold; an absent key is 204", async () => {
  const { headers } = await bucket.put("delete", "body");
  const etag = headers["etag"] ?? "";
  const modified = (await bucket.head("delete")).headers["last-modified"] ?? "";
  const refused: Record<string, string>[] = [
    { "if-match": otherEtag },
    { "x-amz-if-match-size": "5" },
    { "x-amz-if-match-last-modified-time": "Thu, 01 Jan 2015 00:00:00 GMT" },
    { "if-match": etag, "x-amz-if-match-size": "5" },
  ];
  for (const condition of refused) {
    const answer = await bucket.delete("delete", condition);
    expect([condition, answer.status, answer.code]).toEqual([condition, 412, "PreconditionFailed"]);
  }
  expect((await bucket.get("delete")).text).toBe("body");
  const holds = { "if-match": etag, "x-amz-if-match-size": "4", "x-amz-if-match-last-modified-time": modified };
  expect((await bucket.delete("delete", holds)).status).toBe(204);
  expect((await bucket.delete("delete", { "if-match": etag })).status).toBe(204);
  await bucket.put("delete", "again");
  expect((await bucket.delete("delete", { "if-match": "*" })).status).toBe(204);
  expect((await bucket.head("delete")).status).toBe(404);
});

test("CopyObject: If-None-Match on the destination and conditions on the source", async () => {
  const { headers } = await bucket.put("source", "copied");
  const etag = headers["etag"] ?? "";
  const copy = (extra: Record<string, string>) =>
    bucket.put("target", "", { "x-amz-copy-source": "/conditional/source", ...extra });
  const refusals: Record<string, string>[] = [
    { "x-amz-copy-source-if-match": otherEtag },
    { "x-amz-copy-source-if-none-match": etag },
    { "x-amz-copy-source-if-unmodified-since": "Thu, 01 Jan 2015 00:00:00 GMT" },
  ];
  for (const condition of refusals) {
    const answer = await copy(condition);
    expect([condition, answer.status, answer.code]).toEqual([condition, 412, "PreconditionFailed"]);
  }
  expect((await bucket.head("target")).status).toBe(404);
  expect((await copy({ "x-amz-copy-source-if-match": etag, "if-none-match": "*" })).status).toBe(200);
  expect((await copy({ "if-none-match": "*" })).status).toBe(412);
  expect((await bucket.get("target")).text).toBe("copied");
});
