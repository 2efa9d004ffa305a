import { afterAll, expect, test } from "bun:test";
import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { DiskSpace } from "./disk-space.ts";

const started: DiskSpace[] = [];
afterAll(() => {
  for (const disk of started) disk.stop();
});

async function start(path: string, reserve: () => number): Promise<DiskSpace> {
  const disk = new DiskSpace(path, reserve);
  started.push(disk);
  await disk.start();
  return disk;
}

test("DiskSpace: room as long as the disk has more than its reserve", async () => {
  const found = statfsSync(tmpdir());
  const totalBytes = found.blocks * found.bsize;
  const freeBytes = found.bavail * found.bsize;
  (await start(tmpdir(), () => 0)).requireRoom();
  const full = await start(tmpdir(), () => 2 ** 50);
  if (freeBytes < totalBytes / 2) expect(() => full.requireRoom()).toThrow(S3Error);
  else full.requireRoom();
});

test("DiskSpace: below the reserve InsufficientStorage, and room again by itself when the reserve is met", async () => {
  const found = statfsSync(tmpdir());
  const freeBytes = found.bavail * found.bsize;
  let reserve = Math.min(freeBytes * 1.01, (found.blocks * found.bsize) / 2);
  const disk = await start(tmpdir(), () => reserve);
  if (reserve <= freeBytes) return;
  expect(() => disk.requireRoom()).toThrow("free space");
  reserve = 0;
  for (let i = 0; i < 30 && isFull(disk); i++) await Bun.sleep(100);
  disk.requireRoom();
});

test("DiskSpace: a disk that cannot be asked is not called full", async () => {
  (await start("/nonexistent/folder", () => 2 ** 50)).requireRoom();
});

function isFull(disk: DiskSpace): boolean {
  try {
    disk.requireRoom();
    return false;
  } catch {
    return true;
  }
}
