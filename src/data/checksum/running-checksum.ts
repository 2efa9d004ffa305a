import { crc32 } from "node:zlib";
import { createCRC32, createCRC64, createXXHash3, createXXHash64, createXXHash128, type IHasher } from "hash-wasm";
import type { ChecksumAlgorithm } from "#kernel/s3/checksum.ts";

/** A checksum that grows with the bytes it is shown. `digest` ends it. */
export interface RunningChecksum {
  readonly algorithm: ChecksumAlgorithm;
  update(bytes: Uint8Array): void;
  /** The raw digest, big-endian, as S3 encodes it in base64. */
  digest(): Uint8Array;
  /** Gives resources back when the checksum is not wanted any more; harmless after `digest`. */
  release(): void;
}

/** CRC-32C, reflected polynomial. Source: RFC 3720, appendix B.4. */
const crc32cPolynomial = 0x82f63b78;
/** CRC-64/NVME, reflected polynomial. Source: NVM Express NVM Command Set Specification, section 5.2.1.3.4. */
const crc64NvmePolynomial = "9a6c9329ac4bc9b5";

type PooledAlgorithm = "CRC32C" | "CRC64NVME" | "XXHASH64" | "XXHASH3" | "XXHASH128";

const makers: Readonly<Record<PooledAlgorithm, () => Promise<IHasher>>> = {
  CRC32C: () => createCRC32(crc32cPolynomial),
  CRC64NVME: () => createCRC64(crc64NvmePolynomial),
  XXHASH64: () => createXXHash64(0, 0),
  XXHASH3: () => createXXHash3(0, 0),
  XXHASH128: () => createXXHash128(0, 0),
};

const hasherNames = { SHA1: "sha1", SHA256: "sha256", SHA512: "sha512", MD5: "md5" } as const;

/**
 * Running checksums of every S3 algorithm. WebAssembly instances are kept and used again: making one takes longer than
 * checksumming a small object.
 */
export class ChecksumPool {
  readonly #idle = new Map<PooledAlgorithm, IHasher[]>();

  /** Makes the first instances of what clients use most. */
  async warm(): Promise<void> {
    for (const algorithm of ["CRC32C", "CRC64NVME"] as const) this.#keep(algorithm, await makers[algorithm]());
  }

  /** A checksum over no bytes yet. Synchronous unless an instance has to be made. */
  start(algorithm: ChecksumAlgorithm): RunningChecksum | Promise<RunningChecksum> {
    switch (algorithm) {
      case "CRC32":
        return new Crc32Checksum();
      case "SHA1":
      case "SHA256":
      case "SHA512":
      case "MD5":
        return new HashChecksum(algorithm, hasherNames[algorithm]);
      default: {
        const idle = this.#idle.get(algorithm)?.pop();
        if (idle) return new PooledChecksum(algorithm, idle, (hasher) => this.#keep(algorithm, hasher));
        return makers[algorithm]().then(
          (made) => new PooledChecksum(algorithm, made, (hasher) => this.#keep(algorithm, hasher)),
        );
      }
    }
  }

  #keep(algorithm: PooledAlgorithm, hasher: IHasher): void {
    const list = this.#idle.get(algorithm);
    if (list) list.push(hasher);
    else this.#idle.set(algorithm, [hasher]);
  }
}

class Crc32Checksum implements RunningChecksum {
  readonly algorithm = "CRC32";
  #value = 0;

  update(bytes: Uint8Array): void {
    this.#value = crc32(bytes, this.#value);
  }

  digest(): Uint8Array {
    const digest = Buffer.alloc(4);
    digest.writeUInt32BE(this.#value);
    return digest;
  }

  release(): void {}
}

class HashChecksum implements RunningChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly #hasher: InstanceType<typeof Bun.CryptoHasher>;

  constructor(algorithm: ChecksumAlgorithm, name: Bun.SupportedCryptoAlgorithms) {
    this.algorithm = algorithm;
    this.#hasher = new Bun.CryptoHasher(name);
  }

  update(bytes: Uint8Array): void {
    this.#hasher.update(bytes);
  }

  digest(): Uint8Array {
    return this.#hasher.digest();
  }

  release(): void {}
}

class PooledChecksum implements RunningChecksum {
  readonly algorithm: ChecksumAlgorithm;
  #hasher: IHasher | undefined;
  readonly #giveBack: (hasher: IHasher) => void;

  constructor(algorithm: ChecksumAlgorithm, hasher: IHasher, giveBack: (hasher: IHasher) => void) {
    this.algorithm = algorithm;
    this.#hasher = hasher.init();
    this.#giveBack = giveBack;
  }

  update(bytes: Uint8Array): void {
    this.#hasher?.update(bytes);
  }

  digest(): Uint8Array {
    const digest = this.#hasher?.digest("binary") ?? new Uint8Array(0);
    this.release();
    return digest;
  }

  release(): void {
    if (this.#hasher) this.#giveBack(this.#hasher);
    this.#hasher = undefined;
  }
}
