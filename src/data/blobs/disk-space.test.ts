import { afterAll, expect, test } from "bun:test";
import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import type { DiskState } from "#kernel/metrics/disk-state.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { type DiskListener, DiskSpace } from "./disk-space.ts";

const started: DiskSpace[] = [];
afterAll(() => {
  for (const disk of started) disk.stop();
});

async function start(path: string, reserve: () => number, listener: DiskListener = {}): Promise<DiskSpace> {
  const disk = new DiskSpace(path, reserve, listener);
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

test("DiskSpace: each look is told, a reserve above half of the disk counts as half", async () => {
  const states: DiskState[] = [];
  const found = statfsSync(tmpdir());
  const totalBytes = found.blocks * found.bsize;
  await start(tmpdir(), () => 2 ** 50, { onLook: (state) => states.push(state) });
  expect(states).toHaveLength(1);
  expect(states[0]).toMatchObject({ totalBytes, reserveBytes: totalBytes / 2 });
  expect(states[0]?.refusesWrites).toBe((states[0]?.freeBytes ?? 0) < totalBytes / 2);
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
