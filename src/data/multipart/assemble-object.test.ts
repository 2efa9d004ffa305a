import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { UploadedPart } from "../catalog/catalog.ts";
import { ChecksumPool } from "../checksum/running-checksum.ts";
import { assembleObject, fingerprintOf, toListedParts } from "./assemble-object.ts";
import type { FoundUpload } from "./find-upload.ts";

const pool = new ChecksumPool();

function upload(
  checksumAlgorithm: "CRC32" | "SHA256" | null,
  checksumType: "COMPOSITE" | "FULL_OBJECT" | null,
): FoundUpload {
  const meta = {
    headers: {},
    user: [],
    storageClass: "STANDARD",
    key: { version: 1, sealed: "" },
    attributes: null,
    initiator: { id: "", displayName: "" },
  } as const;
  return { uploadId: "id", initiatedHlc: 0, completed: false, meta: { ...meta, checksumAlgorithm, checksumType } };
}

function stored(partNumber: number, body: Uint8Array, algorithm: "CRC32" | "SHA256"): UploadedPart {
  const digest = algorithm === "CRC32" ? crc32Of(body) : createHash("sha256").update(body).digest();
  const etag = createHash("md5").update(body).digest("hex");
  return {
    partNumber,
    blobId: "",
    sizeBytes: body.length,
    etag,
    checksum: `${algorithm}:${digest.toString("base64")}`,
    hlc: 0,
  };
}

function crc32Of(body: Uint8Array): Buffer {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(body));
  return digest;
}

const listedOf = ({ partNumber, etag, checksum }: UploadedPart) =>
  ({ partNumber, etag, checksum: { algorithm: "SHA256", base64: checksum?.slice(7) ?? "" } }) as const;

test("assembleObject: FULL_OBJECT is the CRC of all bytes, whatever the sizes of the parts", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 8 }), async (bodies) => {
      const parts = bodies.map((body, index) => stored(index + 1, body, "CRC32"));
      const listed = parts.map(({ partNumber, etag }) => ({ partNumber, etag }));
      const object = await assembleObject(pool, { upload: upload("CRC32", "FULL_OBJECT"), listed, stored: parts });
      const whole = Buffer.concat(bodies);
      const md5s = Buffer.concat(bodies.map((body) => createHash("md5").update(body).digest()));
      expect([object.sizeBytes, object.checksum.value]).toEqual([whole.length, crc32Of(whole).toString("base64")]);
      expect(object.etag).toBe(`${createHash("md5").update(md5s).digest("hex")}-${bodies.length}`);
    }),
  );
});

test("assembleObject: COMPOSITE is the digest of the parts' digests, and every part must be listed with its own", async () => {
  const bodies = ["a", "bb", "ccc"].map((text) => Buffer.from(text));
  const parts = bodies.map((body, index) => stored(index * 2 + 1, body, "SHA256"));
  const composite = upload("SHA256", "COMPOSITE");
  const object = await assembleObject(pool, { upload: composite, listed: parts.map(listedOf), stored: parts });
  const digests = Buffer.concat(bodies.map((body) => createHash("sha256").update(body).digest()));
  expect(object.checksum).toEqual({
    algorithm: "SHA256",
    type: "COMPOSITE",
    value: `${createHash("sha256").update(digests).digest("base64")}-3`,
  });
  const bare = parts.map(({ partNumber, etag }) => ({ partNumber, etag }));
  expect(await failureOf(assembleObject(pool, { upload: composite, listed: bare, stored: parts }))).toBe(
    "InvalidRequest",
  );
});

test("assembleObject: an unknown part, another ETag and another checksum are InvalidPart", async () => {
  const part = stored(1, Buffer.from("a"), "SHA256");
  const good = listedOf(part);
  const bad = [
    { ...good, partNumber: 2 },
    { ...good, etag: "0".repeat(32) },
    { ...good, checksum: { algorithm: "SHA256", base64: "AAAA" } as const },
    { ...good, checksum: { ...good.checksum, algorithm: "SHA1" } as const },
  ];
  for (const listed of bad) {
    expect(
      await failureOf(
        assembleObject(pool, { upload: upload("SHA256", "COMPOSITE"), listed: [listed], stored: [part] }),
      ),
    ).toBe("InvalidPart");
  }
});

test("fingerprintOf: another list has another fingerprint", () => {
  const list = [
    { partNumber: 1, etag: "a" },
    { partNumber: 2, etag: "b" },
  ];
  const lists = [
    list,
    [{ partNumber: 1, etag: "a" }],
    [
      { partNumber: 1, etag: "b" },
      { partNumber: 2, etag: "a" },
    ],
    [
      { partNumber: 1, etag: "a", checksum: { algorithm: "MD5", base64: "x" } as const },
      { partNumber: 2, etag: "b" },
    ],
  ];
  expect(new Set(lists.map((each) => fingerprintOf(toListedParts(each)))).size).toBe(lists.length);
  expect(fingerprintOf(toListedParts([...list]))).toBe(fingerprintOf(toListedParts(list)));
});

function failureOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "",
    (error) => (error instanceof S3Error ? error.code : String(error)),
  );
}
