import { expect, test } from "bun:test";
import type { BucketEntry } from "../protocol/snapshot.ts";
import { BucketRows } from "./bucket-rows.ts";
import { maxLabelledBuckets } from "./slot-layout.ts";

function entry(name: string): BucketEntry {
  const owner = { tenantId: "t", accountId: "1", ownerCanonicalId: "c", ownerDisplayName: "d" };
  return { bucketId: name, name, ...owner, region: "r", createdAtMs: 0, versioning: "never", tags: [], quota: {} };
}

test("BucketRows: the first names have rows and keep them, all others share one label", () => {
  const rows = new BucketRows();
  for (let number = 1; number <= maxLabelledBuckets; number++)
    expect(rows.assign(entry(`b${number}`)).metricsRow).toBe(number);
  expect(rows.assign(entry("late"))).not.toHaveProperty("metricsRow");
  expect(rows.assign(entry("b7")).metricsRow).toBe(7);
  expect(rows.labels.length).toBe(maxLabelledBuckets + 1);
  expect([rows.labels[0], rows.labels[7], rows.labelOf("b7"), rows.labelOf("late")]).toEqual([
    "_other",
    "b7",
    "b7",
    "_other",
  ]);
});
