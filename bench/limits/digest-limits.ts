const blockBytes = 1024 * 1024;

/**
 * Speed of one digest on one core, in bytes per second, fed 1 MiB at a time.
 * @param algorithm `md5` bounds uploads by their ETag, `sha256` by their payload hash
 * @param durationMs how long to measure
 */
export function measureDigest(algorithm: "md5" | "sha256", durationMs: number): number {
  const block = new Uint8Array(blockBytes).fill(0x5a);
  const hasher = new Bun.CryptoHasher(algorithm);
  const start = performance.now();
  let bytes = 0;
  let elapsedMs = 0;
  while (elapsedMs < durationMs) {
    hasher.update(block);
    bytes += blockBytes;
    elapsedMs = performance.now() - start;
  }
  hasher.digest();
  return (bytes * 1000) / elapsedMs;
}
