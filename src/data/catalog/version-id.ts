import { randomBytes } from "#kernel/base/random.ts";

const idBytes = 24;
const hlcBytes = 7;

/** Length of our own version and upload ids, characters. */
export const ownIdLength = 32;

/**
 * 32 URL-safe characters: 7 bytes of the place in the order, 17 random bytes. The place is read back from the id, so a
 * marker in a listing works after its version is gone.
 * @param hlc below 2^53
 */
export function makeVersionId(hlc: number): string {
  const bytes = Buffer.allocUnsafe(idBytes);
  bytes.writeUIntBE(Math.floor(hlc / 2 ** 24), 0, 4);
  bytes.writeUIntBE(hlc % 2 ** 24, 4, 3);
  bytes.set(randomBytes(idBytes - hlcBytes), hlcBytes);
  return bytes.toString("base64url");
}

/** The place in the order that one of our own ids carries; undefined for ids of another form. */
export function parseVersionId(versionId: string): number | undefined {
  if (versionId.length !== ownIdLength || !/^[A-Za-z0-9_-]+$/.test(versionId)) return undefined;
  const bytes = Buffer.from(versionId, "base64url");
  const hlc = bytes.readUIntBE(0, 4) * 2 ** 24 + bytes.readUIntBE(4, 3);
  return Number.isSafeInteger(hlc) ? hlc : undefined;
}

/** LastModified of a version, ms since 1970: the wall clock part of its place in the order. */
export function hlcToMs(hlc: number): number {
  return Math.floor(hlc / 1024);
}

/** The first place in the order that the wall clock `ms` can give. */
export function msToHlc(ms: number): number {
  return ms * 1024;
}
