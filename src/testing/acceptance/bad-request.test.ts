import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { createUpload } from "./multipart-upload.ts";
import { exchange, openConnection } from "./raw-connection.ts";
import { clientOf, withText } from "./s3-client.ts";
import { md5Base64, seededBytes } from "./test-data.ts";
import { readXmlText } from "./xml-text.ts";

const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("bad-request");
await bucket.put("key", "kept");
afterAll(async () => {
  s3.close();
  await server.remove();
});

async function expectUnharmed(): Promise<void> {
  expect((await bucket.get("key")).text).toBe("kept");
  expect((await bucket.list()).text.match(/<Key>/g)?.length).toBe(1);
}

test("key: 1,024 bytes are taken, 1,025 are KeyTooLongError, counted in UTF-8", async () => {
  for (const key of ["k".repeat(1024), "\u00e4".repeat(512)]) {
    expect((await bucket.put(key, "x")).status).toBe(200);
    expect((await bucket.get(key)).text).toBe("x");
    await bucket.delete(key);
  }
  for (const key of ["k".repeat(1025), `${"\u00e4".repeat(512)}k`, "\u00e4".repeat(1000)]) {
    for (const answer of [
      await bucket.put(key, "x"),
      await bucket.get(key),
      await bucket.send(key, { method: "POST", query: "uploads" }),
    ]) {
      expect([answer.status, answer.code]).toEqual([400, "KeyTooLongError"]);
      expect(answer.text).toContain("<MaxSizeAllowed>1024</MaxSizeAllowed>");
    }
  }
  await expectUnharmed();
});

test("key: bytes that are not UTF-8 and broken escapes are InvalidURI", async () => {
  const targets = ["%FF", "%C0%AE", "a%80", "%ED%A0%80", "%F5%80%80%80", "%C3", "100%", "%zz", "%2"];
  for (const target of targets) {
    for (const method of ["PUT", "GET", "DELETE"]) {
      const answer = await s3.send({ method, target: `/bad-request/${target}`, body: method === "PUT" ? "x" : "" });
      expect([method, target, answer.status, answer.code]).toEqual([method, target, 400, "InvalidURI"]);
    }
  }
  await expectUnharmed();
});

test("key: traversal in every spelling stays a key of its bucket", async () => {
  const corpus = [
    "..",
    "../..",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "..%5c..%5cx",
    "a/%00/b",
    "%00",
    "....//",
    "/etc/passwd",
  ];
  for (const spelling of corpus) {
    const target = `/bad-request/${spelling}`;
    const put = await s3.send({ method: "PUT", target, body: spelling });
    expect([spelling, put.status]).toEqual([spelling, 200]);
    expect((await s3.send({ method: "GET", target })).text).toBe(spelling);
    expect((await s3.send({ method: "DELETE", target })).status).toBe(204);
  }
  await expectUnharmed();
});

const deep = (levels: number) => `${"<a>".repeat(levels)}${"</a>".repeat(levels)}`;
const brokenDocuments = [
  ["unclosed", "<Delete><Object><Key>key</Key></Object>"],
  ["two roots", "<Delete><Object><Key>key</Key></Object></Delete><Delete/>"],
  ["entity", '<!DOCTYPE d [<!ENTITY k "key">]><Delete><Object><Key>&k;</Key></Object></Delete>'],
  [
    "external entity",
    '<!DOCTYPE d [<!ENTITY k SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&k;</Key></Object></Delete>',
  ],
  ["unknown entity", "<Delete><Object><Key>&key;</Key></Object></Delete>"],
  ["too deep", `<Delete><Object><Key>key</Key></Object>${deep(20)}</Delete>`],
  ["wrong root", "<CompleteMultipartUpload><Object><Key>key</Key></Object></CompleteMultipartUpload>"],
  ["no key", "<Delete><Object></Object></Delete>"],
  ["mismatched tags", "<Delete><Object><Key>key</Object></Key></Delete>"],
] as const;

for (const [name, body] of brokenDocuments) {
  test(`XML: ${name} is MalformedXML and deletes nothing`, async () => {
    const headers = { "content-md5": md5Base64(body) };
    const answer = await bucket.sendToBucket({ method: "POST", query: "delete", body, headers });
    expect([answer.status, answer.code]).toEqual([400, "MalformedXML"]);
    await expectUnharmed();
  });
}

test("XML: bytes that are not UTF-8 are MalformedXML", async () => {
  const body = Buffer.from("<Delete><Object><Key>\xff</Key></Object></Delete>", "latin1");
  const answer = await bucket.sendToBucket({
    method: "POST",
    query: "delete",
    body,
    headers: { "content-md5": md5Base64(body) },
  });
  expect([answer.status, answer.code]).toEqual([400, "MalformedXML"]);
});

test("XML: a document above its limit is refused", async () => {
  const body = `<Delete><Object><Key>key</Key></Object>${" ".repeat(8 * 1024 * 1024)}</Delete>`;
  const answer = await bucket.sendToBucket({
    method: "POST",
    query: "delete",
    body,
    headers: { "content-md5": md5Base64(body) },
  });
  expect([answer.status, answer.code]).toEqual([400, "MaxMessageLengthExceeded"]);
  await expectUnharmed();
});

for (const sizeBytes of [50_000, 2_000_000]) {
  test(`PutObject: a client gone after half of ${sizeBytes} bytes stores nothing and keeps the old object`, async () => {
    for (const key of ["key", "half"]) {
      const prepared = s3.prepare({ method: "PUT", target: bucket.target(key), body: seededBytes(sizeBytes, 1) });
      const connection = await openConnection({ port: s3.port });
      await connection.write(prepared.head);
      await connection.write(prepared.body.subarray(0, sizeBytes / 2));
      await Bun.sleep(20);
      connection.destroy();
    }
    const upload = await createUpload(bucket, "half");
    const part = s3.prepare({
      method: "PUT",
      target: bucket.target("half", upload.query(1)),
      body: seededBytes(sizeBytes, 2),
    });
    const connection = await openConnection({ port: s3.port });
    await connection.write(part.head);
    await connection.write(part.body.subarray(0, sizeBytes / 2));
    connection.destroy();
    await Bun.sleep(100);
    expect((await upload.list()).text).not.toContain("<Part>");
    await upload.abort();
    expect((await bucket.head("half")).status).toBe(404);
    await expectUnharmed();
  });
}

test("PutObject: a half-closed connection before the declared length is refused or cut, nothing is stored", async () => {
  const prepared = s3.prepare({ method: "PUT", target: bucket.target("short"), body: seededBytes(1000, 1) });
  const connection = await openConnection({ port: s3.port });
  await connection.write(prepared.head);
  await connection.write(prepared.body.subarray(0, 999));
  connection.end();
  const answer = await connection.readResponse("PUT", 5000).catch(() => undefined);
  connection.destroy();
  if (answer !== undefined) expect(withText(answer).status).toBeGreaterThanOrEqual(400);
  expect((await bucket.head("short")).status).toBe(404);
});

test("PutObject: without any length is MissingContentLength", async () => {
  const prepared = s3.prepare({ method: "PUT", target: bucket.target("no-length"), headers: { "content-length": "" } });
  const connection = await openConnection({ port: s3.port });
  await connection.write(prepared.head);
  const answer = withText(await connection.readResponse("PUT", 5000));
  connection.destroy();
  expect([answer.status, answer.code]).toEqual([411, "MissingContentLength"]);
  expect((await bucket.head("no-length")).status).toBe(404);
});

test("Expect: 100-continue: a refused request gets its final answer at once, a good one is asked for its body", async () => {
  const refused = s3.prepare({
    method: "PUT",
    target: "/no-such-bucket/key",
    headers: { expect: "100-continue", "content-length": "1000000" },
    payloadHash: "UNSIGNED-PAYLOAD",
  });
  const first = await openConnection({ port: s3.port });
  await first.write(refused.head);
  const answer = withText(await first.readResponse("PUT"));
  expect([answer.status, answer.code, answer.interim]).toEqual([404, "NoSuchBucket", []]);
  first.destroy();
  const good = s3.prepare({
    method: "PUT",
    target: bucket.target("continued"),
    headers: { expect: "100-continue" },
    body: "continued",
  });
  const second = await openConnection({ port: s3.port });
  await second.write(good.head);
  const reading = second.readResponse("PUT");
  await Bun.sleep(50);
  await second.write(good.body);
  const stored = await reading;
  expect([stored.status, stored.interim]).toEqual([200, [100]]);
  second.destroy();
  expect((await bucket.get("continued")).text).toBe("continued");
  await bucket.delete("continued");
});

test("engine: both lengths, two lengths, broken heads and 100,000 header lines are refused and the server lives on", async () => {
  const host = `host: 127.0.0.1:${s3.port}\r\n`;
  const smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
  const heads = [
    `PUT /bad-request/x HTTP/1.1\r\n${host}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n${smuggled}`,
    `PUT /bad-request/x HTTP/1.1\r\n${host}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!`,
    `PUT /bad-request/x HTTP/1.1\r\n${host}content-length: -1\r\n\r\n`,
    `PUT /bad-request/x HTTP/1.1\r\n${host}content-length: 1e3\r\n\r\n`,
    `GET /bad-request/x HTTP/1.1\r\n${host}${"a: b\r\n".repeat(100_000)}\r\n`,
    `GET /bad-request/x HTTP/1.1\r\n${host}long: ${"x".repeat(100_000)}\r\n\r\n`,
    `GET /${"x".repeat(100_000)} HTTP/1.1\r\n${host}\r\n`,
    "complete nonsense\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  ];
  for (const head of heads) {
    const connection = await openConnection({ port: s3.port });
    void connection.write(head);
    connection.end();
    const answer = await connection.readResponse("GET", 5000).catch(() => undefined);
    connection.destroy();
    expect([head.slice(0, 60), answer === undefined || answer.status >= 400]).toEqual([head.slice(0, 60), true]);
  }
  await expectUnharmed();
});

test("transfer coding: any but chunked alone is NotImplemented and ends the connection", async () => {
  const host = `host: 127.0.0.1:${s3.port}\r\n`;
  const chunks = "3\r\nabc\r\n0\r\n\r\nGET /bad-request/key HTTP/1.1\r\n\r\n";
  const codings = ["gzip, chunked", "chunked, gzip", "gzip", "identity", "", "xchunked", "chunked, chunked"];
  for (const coding of codings) {
    for (const method of ["PUT", "GET"]) {
      const connection = await openConnection({ port: s3.port });
      await connection.write(
        `${method} /bad-request/x HTTP/1.1\r\n${host}transfer-encoding: ${coding}\r\n\r\n${chunks}`,
      );
      const answer = withText(await connection.readResponse(method, 5000));
      expect([coding, answer.status, answer.code]).toEqual([coding, 501, "NotImplemented"]);
      expect(answer.headers["x-amz-request-id"]).toMatch(/^[0-9A-F]{16}$/);
      await connection.waitForEnd(5000);
      const more = await connection.readResponse("GET", 100).catch(() => undefined);
      expect([coding, more]).toEqual([coding, undefined]);
    }
  }
  for (const coding of ["chunked", "Chunked"]) {
    const { head } = s3.prepare({
      method: "PUT",
      target: bucket.target("coded"),
      headers: { "content-length": "", "transfer-encoding": coding },
      payloadHash: "UNSIGNED-PAYLOAD",
    });
    const answer = await exchange({ port: s3.port }, "PUT", `${head}3\r\nabc\r\n0\r\n\r\n`);
    expect([coding, answer.status, answer.keepAlive]).toEqual([coding, 200, true]);
    expect((await bucket.get("coded")).text).toBe("abc");
    await bucket.delete("coded");
  }
  await expectUnharmed();
});

test("engine: refusals carry a request id and an error document", async () => {
  const cases = [
    ["BadRequest", 400, "GET /bad-request/key HTTP/1.1\r\n\r\n"],
    ["BadRequest", 400, "nonsense\r\n\r\n"],
    ["ExpectationFailed", 417, "PUT /bad-request/x HTTP/1.1\r\nhost: x\r\nexpect: more\r\ncontent-length: 1\r\n\r\nx"],
    [
      "RequestHeaderSectionTooLarge",
      431,
      `GET /bad-request/key HTTP/1.1\r\nhost: x\r\nx: ${"x".repeat(20_000)}\r\n\r\n`,
    ],
  ] as const;
  const ids = new Set<string>();
  for (const [code, status, bytes] of cases) {
    const answer = withText(await exchange({ port: s3.port }, "GET", bytes));
    expect([answer.status, answer.code]).toEqual([status, code]);
    expect(readXmlText(answer.text, "RequestId")).toBe(answer.headers["x-amz-request-id"] ?? "none");
    expect(readXmlText(answer.text, "HostId")).toBe(answer.headers["x-amz-id-2"] ?? "none");
    ids.add(answer.headers["x-amz-request-id"] ?? "");
  }
  expect(ids.size).toBe(cases.length);
});

test("engine: 200 connections that say nothing do not keep others waiting", async () => {
  const silent = await Promise.all(Array.from({ length: 200 }, () => openConnection({ port: s3.port })));
  await Promise.all(silent.map((connection) => connection.write("PUT /bad-request/slow HTTP/1.1\r\nhost: x\r\n")));
  await expectUnharmed();
  for (const connection of silent) connection.destroy();
  await expectUnharmed();
});
