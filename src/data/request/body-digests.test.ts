import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fc from "fast-check";
import type { PayloadMode } from "#kernel/sigv4/payload-mode.ts";
import { RequestHarness } from "#testing/request-harness.ts";
import { ChecksumPool } from "../checksum/running-checksum.ts";
import { BodyDigests } from "./body-digests.ts";
import type { ReceivedBody } from "./receive-body.ts";
import type { S3Request } from "./s3-request.ts";

const harness = new RequestHarness();
await harness.open();
afterAll(() => harness.close());
const pool = new ChecksumPool();
const body = Buffer.from("some bytes that are hashed in pieces");
const sha256 = createHash("sha256").update(body).digest("hex");

/** A request as the handler makes it, after its answer was sent. */
async function makeRequest(headers: Record<string, string>): Promise<S3Request> {
  const { promise, resolve } = Promise.withResolvers<S3Request>();
  await harness.run(
    (request) => {
      resolve(request);
      request.response.end();
    },
    { headers },
  );
  return promise;
}

async function digest(
  pieces: readonly Uint8Array[],
  headers: Record<string, string> = {},
  payload: PayloadMode = { kind: "unsigned" },
): Promise<ReceivedBody> {
  const digests = await BodyDigests.start({
    request: await makeRequest(headers),
    payload,
    wantMd5: true,
    algorithm: "CRC64NVME",
    pool,
  });
  for (const piece of pieces) digests.update(piece);
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  try {
    return digests.finish(size, undefined);
  } finally {
    digests.release();
  }
}

test("BodyDigests: the same in any pieces", async () => {
  const whole = await digest([body]);
  expect(whole).toMatchObject({
    sizeBytes: body.length,
    md5: createHash("md5").update(body).digest("hex"),
    checksum: { algorithm: "CRC64NVME", type: "FULL_OBJECT" },
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: body.length }), { maxLength: 5 }), async (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), body.length];
      const pieces = places.slice(1).map((end, index) => body.subarray(places[index], end));
      expect(await digest(pieces)).toEqual(whole);
    }),
    { numRuns: 20 },
  );
});

test("BodyDigests: nothing and a body above 64 KiB", async () => {
  const large = Buffer.alloc(200_000, 7);
  for (const bytes of [Buffer.alloc(0), large]) {
    const md5 = createHash("md5").update(bytes).digest("hex");
    expect((await digest([bytes])).md5).toBe(md5);
    expect((await digest([bytes.subarray(0, 100_000), bytes.subarray(100_000)])).md5).toBe(md5);
  }
});

test("BodyDigests: Content-MD5 and payload hash must fit", async () => {
  const refuse = (headers: Record<string, string>, payload?: PayloadMode) =>
    digest([body], headers, payload).then(
      () => "accepted",
      (error: { code: string }) => error.code,
    );
  const md5 = createHash("md5").update(body).digest("base64");
  expect(await refuse({ "content-md5": md5 }, { kind: "sha256", hex: sha256 })).toBe("accepted");
  expect(await refuse({ "content-md5": createHash("md5").update("x").digest("base64") })).toBe("BadDigest");
  for (const header of ["x", `${md5}=`, md5.slice(0, -1), "ü".repeat(24)])
    expect(await refuse({ "content-md5": encodeURIComponent(header) })).toBe("InvalidDigest");
  expect(await refuse({}, { kind: "sha256", hex: sha256.replace(/^./, (digit) => (digit === "0" ? "1" : "0")) })).toBe(
    "XAmzContentSHA256Mismatch",
  );
});
