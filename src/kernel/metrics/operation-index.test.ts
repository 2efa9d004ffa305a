import { expect, test } from "bun:test";
import { operations } from "../s3/operation-table.ts";
import {
  errorCodeIndex,
  errorCodeLabels,
  operationIndex,
  operationLabels,
  otherOperationIndex,
  slotLayout,
} from "./operation-index.ts";

test("operationIndex: every operation has cells of its own", () => {
  const seen = new Set(operations.map(({ name }) => operationIndex(name)));
  expect(seen.size).toBe(operations.length);
  expect(seen.has(otherOperationIndex)).toBe(false);
  for (const { name, method } of operations) {
    expect(operationLabels[operationIndex(name)]).toEqual({ operation: name, method });
  }
});

test("errorCodeIndex: every code has a cell of its own", () => {
  expect(errorCodeLabels[errorCodeIndex("NoSuchKey")]).toBe("NoSuchKey");
  expect(new Set(errorCodeLabels).size).toBe(slotLayout.codeCount);
});

test("slotLayout: a slot stays below 768 KiB", () => {
  expect(slotLayout.cellCount * 8).toBeLessThan(768 * 1024);
});
