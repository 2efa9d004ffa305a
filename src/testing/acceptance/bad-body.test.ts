import { afterAll, expect, test } from "bun:test";
import { presignUrl } from "../s3-signer.ts";
import { startServer } from "../server-process.ts";
import { checksumCases } from "./checksum-digest.ts";
import { type ChunkedBody, encodeChunks } from "./chunked-body.ts";
import { createUpload } from "./multipart-upload.ts";
import { openConnection } from "./raw-connection.ts";
import { clientOf, type S3Response, withText } from "./s3-client.ts";
import { type HeaderFields, sha256Hex } from "./sign-v4.ts";
import { seededBytes } from "./test-data.ts";

const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("bad-body");
afterAll(async () => {
  s3.close();
  await server.remove();
});

const crc32 = checksumCases.find(({ name }) => name === "CRC32");
const bodies = [Buffer.from("hello world"), seededBytes(400_000, 1)] as const;
const signedMode = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const signedTrailerMode = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const unsignedTrailerMode = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/** Sends an aws-chunked PUT whose frames `spoil` may alter before they go out. */
async function putChunked(
  key: string,
  body: Uint8Array,
  options: { mode: string; headers?: HeaderFields; trailer?: string; spoil?: (frames: ChunkedBody) => void },
): Promise<S3Response> {
  const { mode, trailer, spoil } = options;
  const headers: Record<string, string> = {
    "content-encoding": "aws-chunked",
    "x-amz-decoded-content-length": String(body.length),
    "content-length": "",
    "transfer-encoding": "chunked",
    ...options.headers,
  };
  if (trailer !== undefined) headers["x-amz-trailer"] = trailer.slice(0, trailer.indexOf(":"));
  const prepared = s3.prepare({ method: "PUT", target: bucket.target(key), headers, payloadHash: mode, body: "" });
  const frames = encodeChunks(body, {
    seed: mode.includes("HMAC") ? prepared.seed : undefined,
    chunkBytes: 100_000,
    trailer,
  });
  spoil?.(frames);
  const payload = Buffer.concat(frames.pieces);
  const connection = await openConnection({ port: s3.port });
  try {
    void connection.write(prepared.head);
    void connection.write(`${payload.length.toString(16)}\r\n`);
    void connection.write(payload);
    void connection.write("\r\n0\r\n\r\n");
    return withText(await connection.readResponse("PUT"));
  } finally {
    connection.destroy();
  }
}

async function expectNotStored(
  key: string,
  answer: S3Response,
  [status, code]: readonly [number, string],
): Promise<void> {
  expect([key, answer.status, answer.code]).toEqual([key, status, code]);
  expect((await bucket.head(key)).status).toBe(404);
}

function trailerOf(body: Uint8Array): string {
  return `x-amz-checksum-crc32:${crc32?.digest(body) ?? ""}`;
}

for (const body of [Buffer.alloc(0), ...bodies]) {
  test(`aws-chunked: ${body.length} bytes are stored in each mode, with and without a trailer`, async () => {
    const modes = [
      [signedMode, undefined],
      [signedTrailerMode, trailerOf(body)],
      [unsignedTrailerMode, trailerOf(body)],
    ] as const;
    for (const [mode, trailer] of modes) {
      const key = `good-${mode}-${body.length}`;
      const answer = await putChunked(key, body, trailer === undefined ? { mode } : { mode, trailer });
      expect([key, answer.status, answer.code]).toEqual([key, 200, ""]);
      const got = await bucket.get(key, { "x-amz-checksum-mode": "ENABLED" });
      expect(got.body.equals(body)).toBe(true);
      expect(got.headers["content-encoding"]).toBeUndefined();
      if (trailer !== undefined) expect(got.headers["x-amz-checksum-crc32"]).toBe(crc32?.digest(body) ?? "");
    }
  });
}

for (const body of bodies) {
  const size = body.length;

  test(`PutObject: a wrong payload hash over ${size} bytes is XAmzContentSHA256Mismatch`, async () => {
    const answer = await bucket.send("hash", { method: "PUT", body, payloadHash: sha256Hex("other") });
    await expectNotStored("hash", answer, [400, "XAmzContentSHA256Mismatch"]);
  });

  test(`aws-chunked: a wrong chunk signature in ${size} bytes is SignatureDoesNotMatch`, async () => {
    for (const [index, spoil] of spoilers.entries()) {
      const answer = await putChunked(`chunk-${index}`, body, { mode: signedMode, spoil });
      await expectNotStored(`chunk-${index}`, answer, [403, "SignatureDoesNotMatch"]);
    }
  });

  test(`aws-chunked: a trailer that does not match ${size} bytes is BadDigest, a wrong trailer signature is refused`, async () => {
    for (const mode of [signedTrailerMode, unsignedTrailerMode]) {
      const wrong = trailerOf(Buffer.from("other"));
      await expectNotStored("trailer", await putChunked("trailer", body, { mode, trailer: wrong }), [400, "BadDigest"]);
    }
    const spoil = (frames: ChunkedBody) => replaceLast(frames, /(x-amz-trailer-signature:)[0-9a-f]{4}/, "$10000");
    const forged = await putChunked("forged", body, { mode: signedTrailerMode, trailer: trailerOf(body), spoil });
    await expectNotStored("forged", forged, [403, "SignatureDoesNotMatch"]);
  });

  test(`aws-chunked: broken framing of ${size} bytes is refused`, async () => {
    const cases: (readonly [string, (frames: ChunkedBody) => void])[] = [
      ["no hex", (frames) => replacePiece(frames, 0, () => Buffer.from("zz\r\n"))],
      ["huge size", (frames) => replacePiece(frames, 0, () => Buffer.from("ffffffffffffffff\r\n"))],
      ["long header", (frames) => replacePiece(frames, 0, () => Buffer.from(`5;${"x".repeat(5000)}\r\n`))],
      ["no line end after data", (frames) => replacePiece(frames, 2, () => Buffer.from("XX"))],
      ["no final chunk", (frames) => void frames.pieces.splice(-2)],
      ["truncated", (frames) => replacePiece(frames, 1, (piece) => piece.subarray(0, 3))],
      ["bytes behind the end", (frames) => void frames.pieces.push(Buffer.from("more"))],
    ];
    for (const [name, spoil] of cases) {
      const key = `framing ${name}`;
      const answer = await putChunked(key, body, { mode: unsignedTrailerMode, trailer: trailerOf(body), spoil });
      expect([key, answer.status, answer.code]).toEqual([key, 400, answer.code]);
      expect(["IncompleteBody", "InvalidRequest", "MalformedTrailerError", "BadDigest"]).toContain(answer.code);
      expect((await bucket.head(key)).status).toBe(404);
    }
  });

  test(`aws-chunked: a decoded length other than ${size} is IncompleteBody, none at all is MissingContentLength`, async () => {
    for (const wrong of [size - 1, size + 1]) {
      const headers = { "x-amz-decoded-content-length": String(wrong) };
      const answer = await putChunked("length", body, { mode: signedMode, headers });
      await expectNotStored("length", answer, [400, "IncompleteBody"]);
    }
    const none = await putChunked("length", body, {
      mode: signedMode,
      headers: { "x-amz-decoded-content-length": "" },
    });
    await expectNotStored("length", none, [411, "MissingContentLength"]);
  });

  test(`aws-chunked: a trailer that was not announced, or another than the announced, is refused over ${size} bytes`, async () => {
    const swap = (frames: ChunkedBody) => replaceLast(frames, "x-amz-checksum-crc32", "x-amz-checksum-sha1");
    const drop = (frames: ChunkedBody) => replaceLast(frames, /x-amz-checksum-crc32:[^\r]*\r\n/, "");
    const add = (frames: ChunkedBody) => replaceLast(frames, /^/, "x-amz-meta-evil:1\r\n");
    for (const [index, spoil] of [swap, drop, add].entries()) {
      const key = `unannounced-${index}`;
      const answer = await putChunked(key, body, { mode: unsignedTrailerMode, trailer: trailerOf(body), spoil });
      await expectNotStored(key, answer, [400, "MalformedTrailerError"]);
    }
  });

  test(`aws-chunked: a wrong secret stores none of ${size} bytes in any mode`, async () => {
    const credentials = { ...server.credentials, secretKey: "wrong" };
    for (const payloadHash of [signedMode, signedTrailerMode, unsignedTrailerMode, "UNSIGNED-PAYLOAD"]) {
      const headers = { "x-amz-decoded-content-length": String(size), "x-amz-trailer": "x-amz-checksum-crc32" };
      const answer = await bucket.send("forged", { method: "PUT", body, payloadHash, headers, credentials });
      await expectNotStored("forged", answer, [403, "SignatureDoesNotMatch"]);
    }
  });
}

test("UploadPart: what is wrong with a body refuses a part as it refuses an object", async () => {
  const upload = await createUpload(bucket, "parts");
  const target = bucket.target("parts", upload.query(1));
  const answers = [
    await s3.send({ method: "PUT", target, body: "x", payloadHash: sha256Hex("other") }),
    await s3.send({ method: "PUT", target, body: "x", headers: { "content-md5": "CY9rzUYh03PK3k6DJie09g==" } }),
    await s3.send({ method: "PUT", target, body: "x", headers: { "x-amz-checksum-crc32": "AAAAAA==" } }),
  ];
  expect(answers.map(({ code }) => code)).toEqual(["XAmzContentSHA256Mismatch", "BadDigest", "BadDigest"]);
  expect((await upload.list()).text).not.toContain("<Part>");
});

const spoilers: readonly ((frames: ChunkedBody) => void)[] = [
  (frames) =>
    replacePiece(frames, 0, (piece) => Buffer.from(String(piece).replace(/signature=..../, "signature=0000"))),
  (frames) => replacePiece(frames, 1, flipFirst),
  (frames) =>
    replacePiece(frames, frames.pieces.length - 2, (piece) =>
      Buffer.from(String(piece).replace(/signature=..../, "signature=0000")),
    ),
];

function replacePiece(frames: ChunkedBody, index: number, replace: (piece: Buffer) => Buffer): void {
  frames.pieces[index] = replace(frames.pieces[index] ?? Buffer.alloc(0));
}

function replaceLast(frames: ChunkedBody, pattern: RegExp | string, replacement: string): void {
  replacePiece(frames, frames.pieces.length - 1, (piece) => Buffer.from(String(piece).replace(pattern, replacement)));
}

function flipFirst(piece: Buffer): Buffer {
  const copy = Buffer.from(piece);
  copy[0] = (copy[0] ?? 0) ^ 1;
  return copy;
}

test.each([
  ["aws-chunked on a body that is not", { "content-encoding": "aws-chunked" }],
  ["a trailer where none can be", { "x-amz-trailer": "x-amz-checksum-crc32" }],
])("bad body: %s is refused, and nothing stored: neither framing nor an unverified checksum", async (_, headers) => {
  const framed = "5\r\nhello\r\n0\r\n\r\n";
  for (const payloadHash of ["UNSIGNED-PAYLOAD", undefined]) {
    const options = { method: "PUT", body: framed, headers, ...(payloadHash !== undefined && { payloadHash }) };
    expect(await bucket.send("framed", options)).toMatchObject({ status: 400, code: "InvalidRequest" });
  }
  const url = presignUrl({
    ...{ method: "PUT", url: `${server.endpoint}/bad-body/framed`, region: "us-east-1", date: new Date() },
    ...{ ...server.credentials, expiresSeconds: 60 },
  });
  if (!("x-amz-trailer" in headers))
    expect((await fetch(url, { method: "PUT", body: framed, headers })).status).toBe(400);
  expect((await bucket.get("framed")).code).toBe("NoSuchKey");
});

test("bad body: a trailer that is no checksum is no digest of the keys to be deleted", async () => {
  await bucket.put("stays", "x");
  const body = "<Delete><Object><Key>stays</Key></Object></Delete>";
  const headers = { "x-amz-trailer": "foo" };
  const answer = await s3.send({ method: "POST", target: "/bad-body?delete", headers, body });
  expect(answer).toMatchObject({ status: 400, code: "InvalidRequest" });
  expect((await bucket.get("stays")).status).toBe(200);
});
