import { expect, test } from "bun:test";
import fc from "fast-check";
import { type CombinableAlgorithm, combineCrc } from "./combine-crc.ts";

/** Reflected polynomial and width, computed bit by bit: the slow definition the fast code is compared with. */
const definitions: Readonly<Record<CombinableAlgorithm, readonly [polynomial: bigint, bits: number]>> = {
  CRC32: [0xedb88320n, 32],
  CRC32C: [0x82f63b78n, 32],
  CRC64NVME: [0x9a6c9329ac4bc9b5n, 64],
};
const algorithms = ["CRC32", "CRC32C", "CRC64NVME"] as const;

function crc(algorithm: CombinableAlgorithm, bytes: Uint8Array): Uint8Array {
  const [polynomial, bits] = definitions[algorithm];
  const ones = (1n << BigInt(bits)) - 1n;
  let value = ones;
  for (const byte of bytes) {
    value ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) value = (value & 1n) === 1n ? (value >> 1n) ^ polynomial : value >> 1n;
  }
  return Uint8Array.fromHex((value ^ ones).toString(16).padStart(bits / 4, "0"));
}

test("combineCrc: the reference of this test gives the published check values", () => {
  const digits = new TextEncoder().encode("123456789");
  expect(crc("CRC32", digits).toHex()).toBe("cbf43926");
  expect(crc("CRC32C", digits).toHex()).toBe("e3069283");
  expect(crc("CRC64NVME", digits).toHex()).toBe("ae8b14860a799888");
});

test("combineCrc: the CRC of two pieces is the CRC of the whole", () => {
  const piece = fc.uint8Array({ maxLength: 70 });
  fc.assert(
    fc.property(fc.constantFrom(...algorithms), piece, piece, (algorithm, a, b) => {
      const whole = new Uint8Array([...a, ...b]);
      expect(combineCrc(algorithm, crc(algorithm, a), { crc: crc(algorithm, b), lengthBytes: b.length })).toEqual(
        crc(algorithm, whole),
      );
    }),
    { seed: 20260102, numRuns: 500 },
  );
});

test("combineCrc: lengths beyond 32 bits combine associatively", () => {
  const [a, b, c] = [1, 2, 3].map((fill) => new Uint8Array([fill, 0xff, fill, 7, 9, 0, fill, 1]));
  if (a === undefined || b === undefined || c === undefined) return expect.unreachable();
  const lengthB = 5 * 2 ** 30 + 1;
  const lengthC = 40 * 2 ** 40 + 3;
  const leftFirst = combineCrc("CRC64NVME", combineCrc("CRC64NVME", a, { crc: b, lengthBytes: lengthB }), {
    crc: c,
    lengthBytes: lengthC,
  });
  const rightFirst = combineCrc("CRC64NVME", a, {
    crc: combineCrc("CRC64NVME", b, { crc: c, lengthBytes: lengthC }),
    lengthBytes: lengthB + lengthC,
  });
  expect(leftFirst).toEqual(rightFirst);
});

test("combineCrc: wrong lengths are refused", () => {
  const four = new Uint8Array(4);
  expect(() => combineCrc("CRC64NVME", four, { crc: four, lengthBytes: 1 })).toThrow(RangeError);
  for (const lengthBytes of [-1, 0.5, Number.NaN, 2 ** 53])
    expect(() => combineCrc("CRC32", four, { crc: four, lengthBytes })).toThrow(RangeError);
});
