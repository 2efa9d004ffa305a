import { expect, test } from "bun:test";
import { FaultyDisk, faultyDiskRoot } from "./faulty-disk.ts";

const folder = `${faultyDiskRoot}/d`;
const path = `${folder}/f`;

async function read(disk: FaultyDisk): Promise<string> {
  const file = await disk.openToRead(path);
  const target = Buffer.alloc(10);
  const count = await file.read(target, 0);
  await file.close();
  return target.toString("utf8", 0, count);
}

test("FaultyDisk: keeps through a power loss what was synced, and no more", async () => {
  const disk = new FaultyDisk();
  await disk.makeFolder(folder);
  await disk.syncFolder(faultyDiskRoot);
  const file = await disk.create(path);
  await file.write(Buffer.from("abc"), 0);
  await file.sync();
  expect(disk.paths()).toEqual([path]);
  expect((await disk.crash()).paths()).toEqual([]);
  await disk.syncFolder(folder);
  await file.write(Buffer.from("X"), 1);
  expect(await read(disk)).toBe("aXc");
  expect(await read(await disk.crash())).toBe("abc");
  await file.close();
  expect(disk.openCount).toBe(0);
});

test("FaultyDisk: the n-th call fails, half of a failed write is there", async () => {
  const disk = new FaultyDisk();
  await disk.makeFolder(folder);
  const file = await disk.create(path);
  disk.setFault({ callNumber: 2, code: "ENOSPC" });
  await file.write(Buffer.from("abcd"), 0);
  expect(disk.hasFailed).toBe(false);
  await expect(file.write(Buffer.from("efgh"), 4)).rejects.toMatchObject({ code: "ENOSPC" });
  expect(disk.hasFailed).toBe(true);
  expect(await read(disk)).toBe("abcdef");
});

test("FaultyDisk: a failed sync loses what a later one pretends to save", async () => {
  const disk = new FaultyDisk();
  await disk.makeFolder(folder);
  const file = await disk.create(path);
  await disk.syncFolder(faultyDiskRoot);
  await disk.syncFolder(folder);
  await file.write(Buffer.from("abc"), 0);
  disk.setFault({ callNumber: 1, code: "EIO" });
  await expect(file.sync()).rejects.toMatchObject({ code: "EIO" });
  await file.sync();
  expect(await read(disk)).toBe("abc");
  expect(await read(await disk.crash())).toBe("");
});
