import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { scratchParent } from "#testing/power-loss/scratch-parent.ts";
import { Ballast } from "./ballast.ts";

const mib = 2 ** 20;
const gib = 2 ** 30;
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A ballast on a disk of a made-up size. */
function open(reserveBytes: number, room = { freeBytes: 500 * gib, totalBytes: 1_000 * gib }) {
  const folder = mkdtempSync(join(scratchParent(), "maxiofs-ballast-"));
  folders.push(folder);
  const path = join(folder, "reserve.bin");
  const warnings: string[] = [];
  const make = () =>
    new Ballast({ path, reserveBytes, warn: (message) => warnings.push(message), measure: async () => room });
  return { path, room, warnings, make, ballast: make() };
}

async function build(ballast: Ballast): Promise<number> {
  let steps = 1;
  while (await ballast.step()) steps += 1;
  return steps;
}

test("Ballast: grows in steps of 4 MiB to an eighth of the reserve, in blocks that are really taken", async () => {
  const { ballast, path } = open(80 * mib);
  expect(await ballast.step()).toBe(true);
  expect(statSync(path).size).toBe(4 * mib);
  await build(ballast);
  const { size, blocks, mode } = statSync(path);
  expect([size, blocks * 512 >= size, mode & 0o777]).toEqual([10 * mib, true, 0o600]);
  expect(await ballast.step()).toBe(false);
  expect(statSync(path).size).toBe(10 * mib);
});

test("Ballast: takes at most one per cent of the disk", async () => {
  const { ballast, path } = open(gib, { freeBytes: gib, totalBytes: 500 * mib });
  await build(ballast);
  expect(statSync(path).size).toBe(5 * mib);
});

test("Ballast: none without a reserve, and one that is there goes", async () => {
  const { ballast, path, make } = open(0);
  expect(await ballast.step()).toBe(false);
  expect(existsSync(path)).toBe(false);
  writeFileSync(path, Buffer.alloc(mib, 1));
  await make().step();
  expect(existsSync(path)).toBe(false);
});

test("Ballast: is given up once, and comes back when the disk has room beyond its reserve", async () => {
  const { ballast, path, room, warnings } = open(32 * mib);
  await build(ballast);
  expect([ballast.giveUp(), existsSync(path), ballast.giveUp()]).toEqual([true, false, false]);
  expect(warnings.length).toBe(1);
  room.freeBytes = 35 * mib;
  expect(await ballast.step()).toBe(false);
  expect(existsSync(path)).toBe(false);
  room.freeBytes = 36 * mib;
  await build(ballast);
  expect(statSync(path).size).toBe(4 * mib);
  expect(ballast.giveUp()).toBe(true);
});

test("Ballast: one of an earlier life is kept, finished, and can be given up before it was looked at", async () => {
  const { ballast, path, make } = open(64 * mib);
  await ballast.step();
  const next = make();
  expect(await build(next)).toBe(1);
  expect(statSync(path).size).toBe(8 * mib);
  expect(make().giveUp()).toBe(true);
  expect([existsSync(path), make().giveUp()]).toEqual([false, false]);
});

test("Ballast: a file of holes is written again", async () => {
  const { ballast, path } = open(32 * mib);
  writeFileSync(path, "");
  truncateSync(path, 4 * mib);
  await build(ballast);
  const { size, blocks } = statSync(path);
  expect([size, blocks * 512 >= size]).toEqual([4 * mib, true]);
});

test("Ballast: a smaller reserve takes effect with the next step", async () => {
  const { ballast, path } = open(64 * mib);
  await build(ballast);
  ballast.reserveBytes = 8 * mib;
  await ballast.step();
  expect(statSync(path).size).toBe(mib);
  ballast.reserveBytes = 0;
  await ballast.step();
  expect(existsSync(path)).toBe(false);
});

test("Ballast: given up while a step is under way, it is not thought to be there", async () => {
  const { ballast, path } = open(64 * mib);
  await ballast.step();
  const stepping = ballast.step();
  const given = ballast.giveUp();
  await stepping;
  expect(given).toBe(true);
  await build(ballast);
  expect(statSync(path).size).toBe(8 * mib);
  expect(ballast.giveUp()).toBe(true);
});
