import { expect, test } from "bun:test";
import {
  type CrashFate,
  type DiskImage,
  DiskModel,
  keepsAll,
  losesAll,
  randomFate,
  sectorBytes,
} from "./disk-model.ts";
import type { DiskHistory, DiskStep, InodeFacts } from "./disk-step.ts";

const [root, folder, file] = [0, 1, 2];
const inodes = new Map<number, InodeFacts>([
  [root, { kind: "folder", path: "" }],
  [folder, { kind: "folder", path: "d" }],
  [file, { kind: "file", path: "d/f" }],
]);
const makeFolder = entry({ at: 1, folder: root, name: "d", target: folder });
const makeFile = entry({ at: 2, folder, name: "f", target: file });

function entry(step: { at: number; folder: number; name: string; target: number | undefined }): DiskStep {
  const { at, name, target } = step;
  return { kind: "entry", at, completedAt: at, folder: step.folder, names: [{ name, target }] };
}

function write(at: number, offsetBytes: number, text: string): DiskStep {
  return {
    kind: "change",
    at,
    completedAt: at,
    inode: file,
    change: { kind: "write", offsetBytes, data: Buffer.from(text) },
  };
}

function sync(at: number, inode: number, startedAt = at): DiskStep {
  return { kind: "sync", at, startedAt, inode };
}

function crash(fate: CrashFate, ...steps: readonly DiskStep[]): DiskImage {
  const history: DiskHistory = { steps, root, inodes };
  const model = new DiskModel(history);
  for (const step of steps) model.apply(step);
  return model.crash(fate);
}

function text(image: DiskImage): string | undefined {
  const content = image.get("d/f");
  return content === undefined || content === "folder" ? content : Buffer.from(content).toString();
}

test("DiskModel: only what was synced is left, names and bytes apart", () => {
  const steps = [makeFolder, makeFile, write(3, 0, "abc")];
  expect([...crash(losesAll, ...steps).keys()]).toEqual([]);
  expect([...crash(losesAll, ...steps, sync(4, root)).keys()]).toEqual(["d"]);
  expect(text(crash(losesAll, ...steps, sync(4, root), sync(5, folder)))).toBe("");
  expect(text(crash(losesAll, ...steps, sync(4, root), sync(5, folder), sync(6, file)))).toBe("abc");
  expect(text(crash(losesAll, ...steps, sync(5, folder), sync(6, file)))).toBeUndefined();
  expect(text(crash(keepsAll, ...steps))).toBe("abc");
});

test("DiskModel: a sync covers only calls that had returned when it was entered", () => {
  const slow: DiskStep = {
    ...write(3, 0, "abc"),
    kind: "change",
    completedAt: 6,
    inode: file,
    change: { kind: "resize", sizeBytes: 1, onlyGrow: false },
  };
  const names = [makeFolder, makeFile, sync(7, root), sync(8, folder)];
  expect(text(crash(losesAll, ...names, slow, sync(9, file, 5)))).toBe("");
  expect(text(crash(losesAll, ...names, slow, sync(9, file, 7)))).toBe("\0");
});

test("DiskModel: a later write wins over an earlier one that is kept too", () => {
  const names = [makeFolder, makeFile, sync(3, root), sync(4, folder)];
  expect(text(crash(keepsAll, ...names, write(5, 0, "old"), write(6, 1, "new")))).toBe("onew");
  const losesFirst: CrashFate = {
    ...keepsAll,
    ofChange: (change) => (change.kind === "write" && change.offsetBytes === 0 ? "lost" : "kept"),
  };
  expect(text(crash(losesFirst, ...names, write(5, 0, "old"), write(6, 1, "new")))).toBe("\0new");
});

test("DiskModel: a torn write keeps whole sectors", () => {
  const names = [makeFolder, makeFile, sync(3, root), sync(4, folder)];
  const keepsOdd: CrashFate = { ...keepsAll, ofChange: () => ({ keepsSector: (index) => index % 2 === 1 }) };
  const torn = text(crash(keepsOdd, ...names, write(5, 100, "x".repeat(3 * sectorBytes))));
  expect(torn).toBe("\0".repeat(sectorBytes) + "x".repeat(sectorBytes) + "\0".repeat(sectorBytes) + "x".repeat(100));
});

test("DiskModel: shrinking and growing leaves zeros; a removal is undone when its folder was not synced", () => {
  const durable = [makeFolder, makeFile, write(3, 0, "abc"), sync(4, root), sync(5, folder), sync(6, file)];
  const resize = (at: number, sizeBytes: number): DiskStep => ({
    kind: "change",
    at,
    completedAt: at,
    inode: file,
    change: { kind: "resize", sizeBytes, onlyGrow: false },
  });
  expect(text(crash(keepsAll, ...durable, resize(7, 1), resize(8, 3)))).toBe("a\0\0");
  const removed = entry({ at: 7, folder, name: "f", target: undefined });
  expect(text(crash(losesAll, ...durable, removed))).toBe("abc");
  expect(text(crash(losesAll, ...durable, removed, sync(8, folder)))).toBeUndefined();
});

test("randomFate: gives every sector either its old or a later content", () => {
  const names = [makeFolder, makeFile, sync(3, root), sync(4, folder)];
  const rows = [5, 6, 7].map((at) => write(at, 0, String(at).repeat(4 * sectorBytes)));
  const first = rows[0];
  if (first === undefined) throw new Error("There is a first row");
  const seen = new Set<string>();
  let state = 1;
  const random = () => {
    state = (state * 16_807) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  for (let round = 0; round < 200; round++) {
    const content = text(crash(randomFate(random, 0.5), ...names, first, sync(5.5, file), ...rows.slice(1))) ?? "";
    expect(content).toMatch(/^[567]{2048}$/);
    seen.add([0, 1, 2, 3].map((sector) => content[sector * sectorBytes]).join(""));
  }
  expect(seen.size).toBeGreaterThan(10);
});
