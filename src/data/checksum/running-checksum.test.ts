import { expect, test } from "bun:test";
import { type ChecksumAlgorithm, checksumAlgorithms } from "#kernel/s3/checksum.ts";
import { ChecksumPool } from "./running-checksum.ts";

/** Check values over "123456789": CRC catalogue (reveng), FIPS 180-4, RFC 1321, xxHash's reference implementation. */
const checkValues: Readonly<Record<ChecksumAlgorithm, string>> = {
  CRC32: "cbf43926",
  CRC32C: "e3069283",
  CRC64NVME: "ae8b14860a799888",
  SHA1: "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
  SHA256: "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
  SHA512:
    "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274ad27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85",
  MD5: "25f9e794323b453885f5181f1b624d0b",
  XXHASH64: "8cb841db40e6ae83",
  XXHASH3: "",
  XXHASH128: "",
};

test.each(Object.keys(checkValues) as ChecksumAlgorithm[])(
  "ChecksumPool: %s gives its check value, in one piece and in two",
  async (algorithm) => {
    const pool = new ChecksumPool();
    const text = Buffer.from("123456789");
    const whole = await pool.start(algorithm);
    whole.update(text);
    const digest = Buffer.from(whole.digest());
    const pieces = await pool.start(algorithm);
    pieces.update(text.subarray(0, 4));
    pieces.update(text.subarray(4));
    expect(Buffer.from(pieces.digest()).equals(digest)).toBe(true);
    expect(digest.length).toBe(checksumAlgorithms[algorithm].digestBytes);
    if (checkValues[algorithm] !== "") expect(digest.toString("hex")).toBe(checkValues[algorithm]);
  },
);

test("ChecksumPool: two checksums at once do not disturb each other", async () => {
  const pool = new ChecksumPool();
  const first = await pool.start("CRC64NVME");
  const second = await pool.start("CRC64NVME");
  first.update(Buffer.from("1234"));
  second.update(Buffer.from("other"));
  first.update(Buffer.from("56789"));
  second.release();
  expect(Buffer.from(first.digest()).toString("hex")).toBe("ae8b14860a799888");
  const third = await pool.start("CRC64NVME");
  third.update(Buffer.from("123456789"));
  expect(Buffer.from(third.digest()).toString("hex")).toBe("ae8b14860a799888");
});

test("ChecksumPool: many checksums that take turns on one instance are each right", async () => {
  const pool = new ChecksumPool();
  await pool.warm();
  const running = await Promise.all(Array.from({ length: 50 }, () => pool.start("CRC64NVME")));
  for (const byte of Buffer.from("123456789")) for (const each of running) each.update(Uint8Array.of(byte));
  for (const each of running) expect(Buffer.from(each.digest()).toString("hex")).toBe("ae8b14860a799888");
});
