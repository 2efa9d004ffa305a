import { expect, test } from "bun:test";
import { durationBuckets } from "#kernel/metrics/histogram-buckets.ts";
import { slotLayout } from "#kernel/metrics/operation-index.ts";
import { createSlot, histogramCells, type StorageOperation, storageOperations } from "#kernel/metrics/slot-layout.ts";
import { SlotRecorder } from "#kernel/metrics/slot-recorder.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { measureDisk } from "./measure-disk.ts";

/** A disk each of whose calls takes 3 ms and fails while `fails` says so. */
function openMeasured() {
  const clock = new FakeClock();
  const slot = createSlot(slotLayout);
  const state = { fails: false };
  const call = async <T>(value: T): Promise<T> => {
    await Promise.resolve();
    clock.advance(3);
    if (state.fails) throw Object.assign(new Error("EIO"), { code: "EIO" });
    return value;
  };
  const file: DiskFile = {
    read: () => call(5),
    write: () => call(5),
    sync: () => call(undefined),
    close: () => call(undefined),
  } as never;
  const inner = {
    ...{ create: async () => file, openToRead: async () => file, makeFolder: () => call(undefined) },
    ...{
      syncFolder: () => call(undefined),
      link: () => call(undefined),
      remove: () => call(undefined),
      sizeOf: () => call(7),
    },
  } as unknown as Disk;
  const disk = measureDisk(inner, { recorder: new SlotRecorder(slot, slotLayout), clock });
  /** How many calls were counted, and their milliseconds. */
  const read = (operation: StorageOperation, outcome: "ok" | "error") => {
    const size = histogramCells(durationBuckets);
    const index = storageOperations.indexOf(operation) * 2 + (outcome === "ok" ? 0 : 1);
    const cells = new Float64Array(slot, (slotLayout.storage + index * size) * 8, size);
    return [cells.slice(0, -1).reduce((sum, value) => sum + value, 0), (cells.at(-1) ?? 0) / 1000];
  };
  return { disk, state, read };
}

test("measureDisk: reads, writes, syncs and removals are counted with their time, the rest is passed on", async () => {
  const { disk, read } = openMeasured();
  const file = await disk.create("a");
  expect(await file.write(new Uint8Array(5), 0)).toBe(5 as never);
  await file.sync();
  await disk.syncFolder(".");
  expect(await (await disk.openToRead("a")).read(new Uint8Array(5), 0)).toBe(5);
  await disk.remove("a");
  await disk.link("a", "b");
  expect(await disk.sizeOf("a")).toBe(7);
  expect([read("read", "ok"), read("write", "ok"), read("fsync", "ok"), read("delete", "ok")]).toEqual([
    [1, 3],
    [1, 3],
    [2, 6],
    [1, 3],
  ]);
  for (const operation of storageOperations) expect(read(operation, "error")).toEqual([0, 0]);
});

test("measureDisk: a failure is counted as one and reaches the caller", async () => {
  const { disk, state, read } = openMeasured();
  const file = await disk.create("a");
  state.fails = true;
  await expect(file.sync()).rejects.toThrow("EIO");
  await expect(disk.remove("a")).rejects.toThrow("EIO");
  expect([read("fsync", "error"), read("delete", "error"), read("fsync", "ok")]).toEqual([
    [1, 3],
    [1, 3],
    [0, 0],
  ]);
});
