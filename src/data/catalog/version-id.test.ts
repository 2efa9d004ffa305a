import { expect, test } from "bun:test";
import fc from "fast-check";
import { hlcToMs, makeVersionId, msToHlc, ownIdLength, parseVersionId } from "./version-id.ts";

const hlc = fc.nat({ max: Number.MAX_SAFE_INTEGER });

test("parseVersionId: gives back the place that makeVersionId put in; no two ids are equal", () => {
  fc.assert(
    fc.property(hlc, (place) => {
      const id = makeVersionId(place);
      expect([id.length, parseVersionId(id)]).toEqual([ownIdLength, place]);
      expect(id).toMatch(/^[A-Za-z0-9_-]{32}$/);
      expect(makeVersionId(place)).not.toBe(id);
    }),
  );
});

test("parseVersionId: ids of another form have no place", () => {
  for (const id of [
    "",
    "null",
    "x",
    "a".repeat(31),
    "a".repeat(33),
    `${"a".repeat(31)}+`,
    `${"a".repeat(31)}=`,
    "ü".repeat(32),
    "_".repeat(32),
  ]) {
    expect(parseVersionId(id)).toBeUndefined();
  }
});

test("parseVersionId: takes any text without an error", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) =>
      expect(["undefined", "number"]).toContain(typeof parseVersionId(text)),
    ),
  );
});

test("hlcToMs: the wall clock of a place; places of one millisecond share it", () => {
  const nowMs = Date.UTC(2026, 10, 22);
  expect([hlcToMs(msToHlc(nowMs)), hlcToMs(msToHlc(nowMs) + 1_023), hlcToMs(msToHlc(nowMs) + 1_024)]).toEqual([
    nowMs,
    nowMs,
    nowMs + 1,
  ]);
  expect(Number.isSafeInteger(msToHlc(Date.UTC(2248, 0, 1)))).toBe(true);
});
