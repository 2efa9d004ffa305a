import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { BucketState, stateNames, toNumbers } from "./bucket-state.ts";
import { checksumState } from "./row-checksum.ts";
import { formSteps } from "./schema.ts";
import { prepareWriterStatements } from "./statements.ts";

function open(): { state: () => BucketState; stored: () => Map<string, number> } {
  const database = new Database(":memory:");
  database.exec(formSteps.join(""));
  const statements = prepareWriterStatements(database);
  return {
    state: () => new BucketState(statements),
    stored: () => new Map(database.query("SELECT name, value FROM bucket_state").values() as [string, number][]),
  };
}

test("BucketState: what was stored is there again, with a checksum over all of it", () => {
  const { state, stored } = open();
  const first = state();
  first.nextSeq();
  first.nextHlc(1_000);
  first.now.bytes = 12;
  first.store();
  first.keep();
  expect(state().now).toEqual(first.now);
  const numbers = stored();
  expect(numbers.get("crc")).toBe(checksumState(stateNames.map((name) => numbers.get(name) ?? -1)));
});

test("BucketState: restore puts every number back", () => {
  const { state } = open();
  const each = state();
  const before = { ...each.now };
  each.nextSeq();
  each.nextHlc(5);
  each.nextDetailId();
  each.now.objects = 9;
  each.restore();
  expect(each.now).toEqual(before);
  expect(each.nextSeq()).toBe(1);
});

test("nextHlc: follows the clock forward and counts on when it stands or goes back", () => {
  const each = open().state();
  expect([each.nextHlc(10), each.nextHlc(10), each.nextHlc(9), each.nextHlc(11)]).toEqual([
    10_240, 10_241, 10_242, 11_264,
  ]);
});

test("toNumbers: defaults for what is missing, nothing for what is unknown", () => {
  expect(
    toNumbers([
      ["seq", 3],
      ["min_reader", 1],
    ]),
  ).toMatchObject({ seq: 3, nextDetailId: 1, closed: 0 });
  expect(Object.keys(toNumbers([["other", 1]]))).toEqual([...stateNames]);
});
