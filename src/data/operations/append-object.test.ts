import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { createUpload, minPartBytes } from "#testing/acceptance/multipart-upload.ts";
import { openConnection, type RawConnection } from "#testing/acceptance/raw-connection.ts";
import { seededBytes } from "#testing/acceptance/test-data.ts";
import { customerKeyHeaders } from "#testing/customer-key.ts";
import { startPoolServer } from "#testing/pool-server.ts";
import { maxGatheredBytes, maxWaitingBodies } from "../request/body-budget.ts";

const server = await startPoolServer({
  buckets: { plain: "never", versioned: "enabled" },
  settings: { "s3.allow_sse_c_http": true },
});
const plain = server.bucket("plain");
const versioned = server.bucket("versioned");
afterAll(() => server.remove());

const at = (offset: number | string, headers: Record<string, string> = {}) => ({
  "x-amz-write-offset-bytes": `${offset}`,
  ...headers,
});

test("appendObject: pieces of any size add up to one object, through every way it is stored", async () => {
  for (const sizes of [
    [3, 5, 7],
    [60_000, 60_000, 10],
    [1, 300_000, 200_000, 1],
    [400_000, 1, 65_536, 300_000],
  ]) {
    const pieces = sizes.map((size, index) => seededBytes(size, index + 1));
    const key = `sum-${sizes.join("-")}`;
    let whole = Buffer.alloc(0);
    for (const piece of pieces) {
      const answer = await plain.put(key, piece, at(whole.length));
      whole = Buffer.concat([whole, piece]);
      expect([answer.status, answer.headers["x-amz-object-size"]]).toEqual([200, `${whole.length}`]);
      const got = await plain.get(key, { "x-amz-checksum-mode": "ENABLED" });
      const put = await plain.put("at-once", whole);
      expect(got.body.equals(whole)).toBe(true);
      expect([got.headers["etag"], got.headers["x-amz-checksum-crc64nvme"]]).toEqual([
        answer.headers["etag"],
        put.headers["x-amz-checksum-crc64nvme"],
      ]);
    }
    const middle = await plain.get(key, { range: `bytes=1-${whole.length - 2}` });
    expect(middle.body.equals(whole.subarray(1, -1))).toBe(true);
  }
});

test("appendObject: what stalled appends keep in memory is bounded; it is free again when they are gone", async () => {
  const size = 65_000;
  await plain.put("stalled", seededBytes(size, 9));
  const { head } = server.s3.prepare({ method: "PUT", target: plain.target("stalled"), body: "x", headers: at(size) });
  const connections: RawConnection[] = [];
  const fit = Math.floor(maxGatheredBytes / (2 * size));
  for (let count = 0; count < fit + maxWaitingBodies + 1; count++) {
    const connection = await openConnection({ port: server.s3.port });
    connections.push(connection);
    await connection.write(head);
  }
  const refused = await Promise.any(connections.map((connection) => connection.readResponse("PUT")));
  expect(refused.body.toString()).toContain("<Code>SlowDown</Code>");
  for (const connection of connections) connection.destroy();
  while ((await plain.put("stalled", "x", at(size))).code === "SlowDown") await Bun.sleep(50);
  expect((await plain.get("stalled")).body.length).toBe(size + 1);
}, 30_000);

test("appendObject: an offset that is not the size is InvalidWriteOffset, one that is no number InvalidArgument", async () => {
  await plain.put("offset", "abc");
  for (const offset of [0, 2, 4]) expect((await plain.put("offset", "x", at(offset))).code).toBe("InvalidWriteOffset");
  expect((await plain.put("absent", "x", at(1))).code).toBe("InvalidWriteOffset");
  for (const offset of ["-1", "a", "1.5"]) {
    expect([offset, (await plain.put("offset", "x", at(offset))).code]).toEqual([offset, "InvalidArgument"]);
  }
});

test("appendObject: of appends at one offset exactly one is made", async () => {
  for (const size of [10, 300_000]) {
    const key = `race-${size}`;
    await plain.put(key, seededBytes(size, 1));
    const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => plain.put(key, `${index}`, at(size))));
    const winners = answers.flatMap(({ status }, index) => (status === 200 ? [index] : []));
    expect([winners.length, answers.filter(({ code }) => code === "InvalidWriteOffset").length]).toEqual([1, 7]);
    expect((await plain.get(key, { range: "bytes=-1" })).text).toBe(`${winners[0]}`);
  }
  const created = await Promise.all(Array.from({ length: 8 }, (_, index) => plain.put("created", `${index}`, at(0))));
  expect(created.filter(({ status }) => status === 200).length).toBe(1);
});

test("appendObject: no bytes, or new metadata, is InvalidRequest; what comes with the bytes is verified", async () => {
  await plain.put("fixed", "abc", { "cache-control": "no-cache", "x-amz-tagging": "a=1", "x-amz-meta-a": "1" });
  for (const headers of [
    { "x-amz-meta-b": "1" },
    { "x-amz-tagging": "b=1" },
    { "cache-control": "private" },
    { "x-amz-storage-class": "STANDARD_IA" },
  ]) {
    expect([headers, (await plain.put("fixed", "x", at(3, headers))).code]).toEqual([headers, "InvalidRequest"]);
  }
  expect((await plain.put("fixed", "", at(3))).code).toBe("InvalidRequest");
  expect((await plain.put("fixed", "x", at(3, { "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" }))).code).toBe("BadDigest");
  expect((await plain.put("fixed", "x", at(3, { "x-amz-checksum-crc32": "AAAAAA==" }))).code).toBe("BadDigest");
  const sha1 = createHash("sha1").update("d").digest("base64");
  expect(
    (await plain.put("fixed", "d", at(3, { "cache-control": "no-cache", "x-amz-checksum-sha1": sha1 }))).status,
  ).toBe(200);
  const got = await plain.get("fixed");
  const names = ["cache-control", "x-amz-tagging-count", "x-amz-meta-a"];
  expect([got.text, ...names.map((name) => got.headers[name])]).toEqual(["abcd", "no-cache", "1", "1"]);
});

test("appendObject: a multipart object and one with a SHA-256 go on with a CRC", async () => {
  const upload = await createUpload(plain, "parts", { "x-amz-checksum-algorithm": "SHA256" });
  const put = await upload.put(1, seededBytes(minPartBytes, 1));
  const extra = `<ChecksumSHA256>${put.headers["x-amz-checksum-sha256"]}</ChecksumSHA256>`;
  expect((await upload.complete([{ number: 1, etag: put.headers["etag"] ?? "", extra }])).status).toBe(200);
  const answer = await plain.put("parts", "tail", at(minPartBytes));
  const whole = Buffer.concat([seededBytes(minPartBytes, 1), Buffer.from("tail")]);
  const expected = (await plain.put("whole", whole)).headers["x-amz-checksum-crc64nvme"];
  expect([answer.status, answer.headers["x-amz-checksum-crc64nvme"]]).toEqual([200, expected]);
  expect(answer.headers["etag"]).toMatch(/^"[0-9a-f]{32}-2"$/);
  expect((await plain.get("parts", {}, "partNumber=2")).text).toBe("tail");
});

test("appendObject: behind a multipart object with gaps in its numbers, and nothing is out of place afterwards", async () => {
  const upload = await createUpload(plain, "gaps");
  const etags = await Promise.all(
    [3, 9].map(async (number) => ({
      number,
      etag: (await upload.put(number, seededBytes(minPartBytes, number))).headers["etag"] ?? "",
    })),
  );
  expect((await upload.complete(etags)).status).toBe(200);
  expect((await plain.put("gaps", "tail", at(2 * minPartBytes))).headers["etag"]).toMatch(/-3"$/);
  expect((await plain.get("gaps", {}, "partNumber=10")).text).toBe("tail");
});

test("appendObject: behind an empty last part, and not beyond the last number there is", async () => {
  for (const [key, sizes] of [
    ["one-empty", { 5: 0 }],
    ["last-empty", { 1: minPartBytes, 2: 0 }],
    ["last-number", { 10000: 3 }],
  ] as const) {
    const upload = await createUpload(plain, key);
    const parts = [];
    for (const [number, size] of Object.entries(sizes)) {
      const put = await upload.put(Number(number), Buffer.alloc(size, 7));
      parts.push({ number: Number(number), etag: put.headers["etag"] ?? "" });
    }
    expect((await upload.complete(parts)).status).toBe(200);
    const size = Object.values(sizes).reduce((sum, each) => sum + each, 0);
    const appended = await plain.put(key, "hello", at(size));
    expect([key, appended.code]).toEqual([key, key === "last-number" ? "TooManyParts" : ""]);
    const { text } = await plain.get(key, { range: "bytes=-5" });
    expect(text.endsWith("hello")).toBe(key !== "last-number");
  }
});

test("appendObject: what was changed while it ran is not taken back, be the content the same", async () => {
  const [one, other] = [customerKeyHeaders(1), customerKeyHeaders(2)];
  for (const size of [100, 200_000]) {
    const body = seededBytes(size, 1);
    const begin = async (key: string, headers: Record<string, string>) => {
      const target = plain.target(key);
      const prepared = server.s3.prepare({ method: "PUT", target, body: "tail", headers: at(size, headers) });
      const connection = await openConnection({ port: server.s3.port });
      await connection.write(prepared.head);
      await Bun.sleep(50);
      return async () => {
        await connection.write(Buffer.from("tail"));
        return (await connection.readResponse("PUT")).status;
      };
    };
    await plain.put("meta", body, { "x-amz-meta-a": "old" });
    const finish = await begin("meta", {});
    const replace = { "x-amz-copy-source": "plain/meta", "x-amz-metadata-directive": "REPLACE" };
    expect((await plain.put("meta", "", { ...replace, "x-amz-meta-a": "new" })).status).toBe(200);
    expect(await finish()).toBe(400);
    expect((await plain.head("meta")).headers["x-amz-meta-a"]).toBe("new");
    await plain.put("rekeyed", body, one);
    const etag = (await plain.head("rekeyed", one)).headers["etag"];
    const finishRekeyed = await begin("rekeyed", one);
    const source = { "x-amz-copy-source": "plain/rekeyed", ...customerKeyHeaders(1, "source"), ...other };
    expect((await plain.put("rekeyed", "", source)).status).toBe(200);
    expect(await finishRekeyed()).toBe(400);
    const head = await plain.head("rekeyed", other);
    expect([head.status, head.headers["etag"] === etag]).toEqual([200, false]);
  }
});

test("appendObject: under SSE-C the same key is needed, small and large", async () => {
  for (const size of [10, 300_000]) {
    const key = `secret-${size}`;
    const body = seededBytes(size, 3);
    await plain.put(key, body, customerKeyHeaders(1));
    expect((await plain.put(key, "x", at(size))).code).toBe("InvalidRequest");
    expect((await plain.put(key, "x", at(size, customerKeyHeaders(2)))).code).toBe("AccessDenied");
    expect((await plain.put(key, "x", at(size, customerKeyHeaders(1)))).status).toBe(200);
    expect((await plain.get(key, customerKeyHeaders(1))).body.equals(Buffer.concat([body, Buffer.from("x")]))).toBe(
      true,
    );
  }
});

test("appendObject: a versioned bucket keeps what was before, copies are not touched", async () => {
  const body = seededBytes(200_000, 4);
  const first = await versioned.put("log", body);
  await plain.put("log-copy", "", { "x-amz-copy-source": "versioned/log" });
  const second = await versioned.put("log", "more", at(body.length));
  expect(second.headers["x-amz-version-id"] === first.headers["x-amz-version-id"]).toBe(false);
  expect((await versioned.get("log", {}, `versionId=${first.headers["x-amz-version-id"]}`)).body.equals(body)).toBe(
    true,
  );
  expect((await plain.get("log-copy")).body.equals(body)).toBe(true);
  await versioned.delete("log");
  expect((await versioned.put("log", "new", at(0))).status).toBe(200);
  expect((await versioned.get("log")).text).toBe("new");
  expect(await server.stopAndCheck()).toEqual([]);
});

test("appendObject: a check finds nothing wrong with what all of this made", async () => {
  expect(await server.stopAndCheck()).toEqual([]);
});
