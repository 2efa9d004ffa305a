import { expect, test } from "bun:test";
import { FaultyDisk, faultyDiskRoot } from "#testing/faulty-disk.ts";
import { SyncedFolders } from "./synced-folders.ts";

const folder = `${faultyDiskRoot}/ab`;

test("SyncedFolders: a folder survives power loss once ensure has resolved", async () => {
  const disk = new FaultyDisk();
  await new SyncedFolders(disk).ensure(folder);
  const left = await disk.crash();
  expect(await left.makeFolder(folder)).toBe(false);
});

test("SyncedFolders: one that another has just made is synced again, one it knows is not", async () => {
  const disk = new FaultyDisk();
  await disk.makeFolder(folder);
  const folders = new SyncedFolders(disk);
  await folders.ensure(folder);
  expect(await (await disk.crash()).makeFolder(folder)).toBe(false);
  disk.setFault({ callNumber: 1, code: "EIO" });
  await folders.ensure(folder);
  expect(disk.hasFailed).toBe(false);
});

test("SyncedFolders: after a failure it tries again", async () => {
  for (const callNumber of [1, 2]) {
    const disk = new FaultyDisk();
    const folders = new SyncedFolders(disk);
    disk.setFault({ callNumber, code: "EIO" });
    expect(folders.ensure(folder)).rejects.toMatchObject({ code: "EIO" });
    await Promise.resolve();
    await Bun.sleep(0);
    disk.setFault(undefined);
    await folders.ensure(folder);
    expect(await (await disk.crash()).makeFolder(folder)).toBe(false);
  }
});
