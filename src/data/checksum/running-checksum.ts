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

type SharedAlgorithm = "CRC32C" | "CRC64NVME" | "XXHASH64" | "XXHASH3" | "XXHASH128";

const makers: Readonly<Record<SharedAlgorithm, () => Promise<IHasher>>> = {
  CRC32C: () => createCRC32(crc32cPolynomial),
  CRC64NVME: () => createCRC64(crc64NvmePolynomial),
  XXHASH64: () => createXXHash64(0, 0),
  XXHASH3: () => createXXHash3(0, 0),
  XXHASH128: () => createXXHash128(0, 0),
};

const hasherNames = { SHA1: "sha1", SHA256: "sha256", SHA512: "sha512", MD5: "md5" } as const;

/**
 * Running checksums of every S3 algorithm. There is one WebAssembly instance for each algorithm that needs one, whatever the
 * number of bodies: making one takes milliseconds and memory. A checksum that another one interrupts is put aside.
 */
export class ChecksumPool {
  readonly #shared = new Map<SharedAlgorithm, Promise<SharedHasher>>();
  readonly #ready = new Map<SharedAlgorithm, SharedHasher>();

  /** Makes the instances of what clients use most. */
  async warm(): Promise<void> {
    await Promise.all([this.#make("CRC32C"), this.#make("CRC64NVME")]);
  }

  /** A checksum over no bytes yet. Synchronous unless the algorithm is used for the first time. */
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
        const ready = this.#ready.get(algorithm);
        if (ready) return new SharedChecksum(algorithm, ready);
        return this.#make(algorithm).then((made) => new SharedChecksum(algorithm, made));
      }
    }
  }

  #make(algorithm: SharedAlgorithm): Promise<SharedHasher> {
    let making = this.#shared.get(algorithm);
    if (!making) {
      making = makers[algorithm]().then((hasher) => {
        const shared = new SharedHasher(hasher);
        this.#ready.set(algorithm, shared);
        return shared;
      });
      this.#shared.set(algorithm, making);
    }
    return making;
  }
}

/** One instance for many checksums: the state of who used it last is saved when somebody else comes (about 1 us). */
class SharedHasher {
  readonly #hasher: IHasher;
  #owner: SharedChecksum | undefined;

  constructor(hasher: IHasher) {
    this.#hasher = hasher;
  }

  /** The instance with the state of `checksum`, until the next call. */
  of(checksum: SharedChecksum): IHasher {
    if (this.#owner === checksum) return this.#hasher;
    if (this.#owner) this.#owner.saved = this.#hasher.save();
    if (checksum.saved) this.#hasher.load(checksum.saved);
    else this.#hasher.init();
    this.#owner = checksum;
    return this.#hasher;
  }

  leave(checksum: SharedChecksum): void {
    if (this.#owner === checksum) this.#owner = undefined;
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

class SharedChecksum implements RunningChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly #shared: SharedHasher;
  /** State while another checksum uses the instance. */
  saved: Uint8Array | undefined;

  constructor(algorithm: ChecksumAlgorithm, shared: SharedHasher) {
    this.algorithm = algorithm;
    this.#shared = shared;
  }

  update(bytes: Uint8Array): void {
    this.#shared.of(this).update(bytes);
  }

  digest(): Uint8Array {
    const digest = this.#shared.of(this).digest("binary");
    this.release();
    return digest;
  }

  release(): void {
    this.saved = undefined;
    this.#shared.leave(this);
  }
}
