import { afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { randomBytes } from "#kernel/base/random.ts";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { settleScratch } from "#testing/scratch-check.ts";
import { catalogPath } from "../catalog/sqlite-catalog/open-catalog.ts";
import { tryKeys } from "./try-keys.ts";

const scratches: ScratchBucket[] = [];

afterEach(() => {
  for (const scratch of scratches.splice(0)) scratch.remove();
});

function makeScratch(): ScratchBucket {
  const scratch = new ScratchBucket();
  scratches.push(scratch);
  return scratch;
}

test("tryKeys: the right keys open some objects, others none; a client's key is no evidence", async () => {
  const scratch = makeScratch();
  scratch.putInlineForClient("secret", Buffer.from("x"));
  scratch.putInline("a", Buffer.from("a"));
  scratch.putInline("b", Buffer.from("b"));
  settleScratch(scratch);
  expect(await tryKeys(scratch.dataDir, scratch.keys)).toEqual({ openedObjects: 2, refusedObjects: 0 });
  const others = [{ version: 1, key: randomBytes(32) }];
  expect(await tryKeys(scratch.dataDir, others)).toEqual({ openedObjects: 0, refusedObjects: 2 });
  expect(await tryKeys(scratch.dataDir, [])).toEqual({ openedObjects: 0, refusedObjects: 0 });
});

test("tryKeys: a catalog that cannot be read shows nothing", async () => {
  const scratch = makeScratch();
  scratch.putInline("a", Buffer.from("a"));
  settleScratch(scratch);
  writeFileSync(catalogPath(scratch.dataDir, scratch.bucketId), "no database at all".repeat(500));
  expect(await tryKeys(scratch.dataDir, scratch.keys)).toEqual({ openedObjects: 0, refusedObjects: 0 });
});
