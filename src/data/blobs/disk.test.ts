import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeDisk } from "./disk.ts";

const folder = mkdtempSync(join(tmpdir(), "maxiofs-disk-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("nodeDisk: writes at explicit positions and reads until the end of the file", async () => {
  const path = join(folder, "a");
  const file = await nodeDisk.create(path);
  await file.write(Buffer.from("world"), 6);
  await file.write(Buffer.from("hello "), 0);
  await file.sync();
  await file.close();
  expect(readFileSync(path, "utf8")).toBe("hello world");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await nodeDisk.sizeOf(path)).toBe(11);
  const reader = await nodeDisk.openToRead(path);
  const target = Buffer.alloc(20);
  expect(await reader.read(target, 6)).toBe(5);
  expect(await reader.read(target, 11)).toBe(0);
  expect(await reader.read(new Uint8Array(0), 0)).toBe(0);
  await reader.close();
});

test("nodeDisk: an existing file is never opened to be written", async () => {
  const path = join(folder, "once");
  await (await nodeDisk.create(path)).close();
  expect(nodeDisk.create(path)).rejects.toMatchObject({ code: "EEXIST" });
  expect(nodeDisk.openToRead(join(folder, "none"))).rejects.toMatchObject({ code: "ENOENT" });
});

test("nodeDisk: after close a file takes no call, though its descriptor serves another file", async () => {
  const closed = await nodeDisk.create(join(folder, "closed"));
  await closed.close();
  const path = join(folder, "next");
  const next = await nodeDisk.create(path);
  await closed.close();
  expect(closed.write(Buffer.from("late"), 0)).rejects.toThrow("closed");
  expect(closed.read(Buffer.alloc(1), 0)).rejects.toThrow("closed");
  expect(closed.sync()).rejects.toThrow("closed");
  await next.write(Buffer.from("mine"), 0);
  await next.close();
  expect(readFileSync(path, "utf8")).toBe("mine");
});

test("nodeDisk: folders and links are made once", async () => {
  const inner = join(folder, "inner");
  expect([await nodeDisk.makeFolder(inner), await nodeDisk.makeFolder(inner)]).toEqual([true, false]);
  expect(statSync(inner).mode & 0o777).toBe(0o700);
  const source = join(folder, "source");
  await (await nodeDisk.create(source)).close();
  await nodeDisk.link(source, join(inner, "link"));
  expect(nodeDisk.link(source, join(inner, "link"))).rejects.toMatchObject({ code: "EEXIST" });
  expect(statSync(source).nlink).toBe(2);
  await nodeDisk.remove(source);
  expect(nodeDisk.remove(source)).rejects.toMatchObject({ code: "ENOENT" });
  await nodeDisk.syncFolder(inner);
});
