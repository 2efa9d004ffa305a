import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { clientOf } from "./s3-client.ts";
import { seededBytes, seededRandom } from "./test-data.ts";

const server = await startServer();
const s3 = clientOf(server);
const inline = seededBytes(1000, 1);
const large = seededBytes(3_000_001, 2);
const ranges = await s3.createBucket("ranges");
await ranges.put("inline", inline);
await ranges.put("large", large);
await ranges.put("empty", "");
afterAll(async () => {
  s3.close();
  await server.remove();
});

const objects = [
  ["inline", inline],
  ["large", large],
] as const;

for (const [key, body] of objects) {
  const last = body.length - 1;
  const partial = [
    ["bytes=0-0", 0, 0],
    ["bytes=0-99", 0, 99],
    ["bytes=5-5", 5, 5],
    [`bytes=${last}-${last}`, last, last],
    ["bytes=10-", 10, last],
    [`bytes=500-${body.length + 1000}`, 500, last],
    ["bytes=-7", body.length - 7, last],
    [`bytes=-${body.length + 10}`, 0, last],
    ["bytes=0-99999999999999999999", 0, last],
  ] as const;
  for (const [range, first, final] of partial) {
    test(`GetObject: ${range} of ${key} is 206 with exactly these bytes`, async () => {
      const got = await ranges.get(key, { range });
      expect(got.status).toBe(206);
      expect(got.headers["content-range"]).toBe(`bytes ${first}-${final}/${body.length}`);
      expect(got.body.equals(body.subarray(first, final + 1))).toBe(true);
      const head = await ranges.head(key, { range });
      expect([head.status, head.headers["content-length"]]).toEqual([206, String(final + 1 - first)]);
    });
  }

  for (const range of [
    "bytes=9-5",
    "bytes=a-b",
    "lines=0-5",
    "bytes=0-1,3-4",
    "bytes",
    "bytes=-",
    "bytes=1-2-3",
    "0-5",
  ]) {
    test(`GetObject: the malformed range "${range}" of ${key} is ignored`, async () => {
      const got = await ranges.get(key, { range });
      expect([got.status, got.body.length]).toEqual([200, body.length]);
    });
  }

  for (const range of [`bytes=${body.length}-`, `bytes=${body.length + 5}-${body.length + 9}`, "bytes=-0"]) {
    test(`GetObject: ${range} of ${key} is 416 InvalidRange`, async () => {
      const got = await ranges.get(key, { range });
      expect([got.status, got.code]).toEqual([416, "InvalidRange"]);
      expect(got.text).toContain(`<ActualObjectSize>${body.length}</ActualObjectSize>`);
    });
  }
}

test("GetObject: any range of an empty object is 416", async () => {
  for (const range of ["bytes=0-0", "bytes=0-", "bytes=-1"])
    expect((await ranges.get("empty", { range })).status).toBe(416);
});

test("GetObject: random ranges around segment borders equal the slice of the body", async () => {
  const random = seededRandom(7);
  for (let round = 0; round < 60; round++) {
    const border = Math.floor(random() * 45) * 65_536;
    const first = Math.max(0, Math.min(large.length - 1, border + Math.floor(random() * 40) - 20));
    const final = Math.min(large.length - 1, first + Math.floor(random() * 200_000));
    const got = await ranges.get("large", { range: `bytes=${first}-${final}` });
    expect(got.body.equals(large.subarray(first, final + 1))).toBe(true);
  }
});

test("GetObject: If-Range lets the range through for the exact ETag or date only", async () => {
  const head = await ranges.head("inline");
  const etag = head.headers["etag"] ?? "";
  const date = head.headers["last-modified"] ?? "";
  const cases = [
    [etag, 206],
    ['"0123456789abcdef0123456789abcdef"', 200],
    [date, 206],
    ["Thu, 01 Jan 1970 00:00:01 GMT", 200],
  ] as const;
  for (const [condition, status] of cases) {
    const got = await ranges.get("inline", { range: "bytes=0-9", "if-range": condition });
    expect([condition, got.status]).toEqual([condition, status]);
  }
});

test("GetObject: partNumber 1 of a single-part object is the whole, beyond it 416, with Range 400", async () => {
  const first = await ranges.get("inline", {}, "partNumber=1");
  expect(first.body.equals(inline)).toBe(true);
  expect(first.headers["x-amz-mp-parts-count"]).toBeUndefined();
  const beyond = await ranges.get("inline", {}, "partNumber=2");
  expect([beyond.status, beyond.code]).toEqual([416, "InvalidPartNumber"]);
  const both = await ranges.get("inline", { range: "bytes=0-1" }, "partNumber=1");
  expect([both.status, both.code]).toEqual([400, "InvalidRequest"]);
  const zero = await ranges.get("inline", {}, "partNumber=0");
  expect([zero.status, zero.code]).toEqual([400, "InvalidArgument"]);
});

const oldDate = "Thu, 01 Jan 2015 00:00:00 GMT";
const otherEtag = '"0123456789abcdef0123456789abcdef"';

test("GetObject: conditions are weighed in the order of the standard", async () => {
  const head = await ranges.head("inline");
  const etag = head.headers["etag"] ?? "";
  const now = head.headers["last-modified"] ?? "";
  const cases: (readonly [Record<string, string>, number])[] = [
    [{ "if-match": etag }, 200],
    [{ "if-match": etag.replaceAll('"', "") }, 200],
    [{ "if-match": "*" }, 200],
    [{ "if-match": `${otherEtag}, ${etag}` }, 200],
    [{ "if-match": otherEtag }, 412],
    [{ "if-none-match": etag }, 304],
    [{ "if-none-match": `W/${etag}` }, 304],
    [{ "if-none-match": "*" }, 304],
    [{ "if-none-match": otherEtag }, 200],
    [{ "if-modified-since": oldDate }, 200],
    [{ "if-modified-since": now }, 304],
    [{ "if-modified-since": "no date" }, 200],
    [{ "if-modified-since": "Thu, 01 Jan 2099 00:00:00 GMT" }, 200],
    [{ "if-unmodified-since": oldDate }, 412],
    [{ "if-unmodified-since": now }, 200],
    [{ "if-match": etag, "if-unmodified-since": oldDate }, 200],
    [{ "if-none-match": etag, "if-modified-since": oldDate }, 304],
    [{ "if-none-match": otherEtag, "if-modified-since": now }, 200],
  ];
  for (const [headers, status] of cases) {
    for (const method of ["GET", "HEAD"]) {
      const got = await s3.send({ method, target: ranges.target("inline"), headers });
      expect([method, headers, got.status]).toEqual([method, headers, status]);
      if (status === 304) expect([got.headers["etag"], got.body.length]).toEqual([etag, 0]);
    }
  }
});
