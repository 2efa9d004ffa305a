import { expect, test } from "bun:test";
import { createUsageTable, UsageTable } from "./usage-table.ts";

test("UsageTable: what one thread publishes another one finds, until the slot is given back", () => {
  const memory = createUsageTable();
  const [writer, worker] = [new UsageTable(memory), new UsageTable(memory)];
  expect(worker.find("a")).toBeUndefined();
  const slot = writer.take("a") ?? -1;
  expect(worker.find("a")).toEqual({ bytes: 0, objects: 0 });
  writer.publish(slot, { bytes: 2 ** 50 + 1, objects: 7 });
  expect(worker.find("a")).toEqual({ bytes: 2 ** 50 + 1, objects: 7 });
  expect(worker.find("b")).toBeUndefined();
  writer.free(slot);
  expect(worker.find("a")).toBeUndefined();
});

test("UsageTable.take: ids beyond the slots get none and are not found; a slot that was given back is used again", () => {
  const memory = createUsageTable();
  const table = new UsageTable(memory);
  const slots = new Map<string, number>();
  const refused: string[] = [];
  for (let n = 0; n < 20_000; n++) {
    const slot = table.take(`id-${n}`);
    if (slot === undefined) refused.push(`id-${n}`);
    else {
      slots.set(`id-${n}`, slot);
      table.publish(slot, { bytes: n, objects: n });
    }
  }
  expect(new Set(slots.values()).size).toBe(slots.size);
  expect(refused.length).toBeGreaterThan(3_000);
  for (const id of refused) expect(table.find(id)).toBeUndefined();
  for (const id of slots.keys()) expect(table.find(id)?.bytes).toBe(Number(id.slice(3)));
  for (const slot of slots.values()) table.free(slot);
  expect(table.take(refused[0] ?? "")).toBeNumber();
});

test("UsageTable.clear: nothing of an earlier life is found", () => {
  const table = new UsageTable(createUsageTable());
  table.take("a");
  table.clear();
  expect(table.find("a")).toBeUndefined();
});
