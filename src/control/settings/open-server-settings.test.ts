import { afterEach, expect, test } from "bun:test";
import { statfsSync } from "node:fs";
import { closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";

afterEach(closeControls);

test("readSettingSources: the default reserve is 1 % of the data folder's disk, 2 GiB at least", async () => {
  const { fetch, dataDir } = await startControl();
  const { items } = await (await fetch("/api/v1/settings", { as: testAdministrator })).json();
  const { blocks, bsize } = statfsSync(dataDir);
  const reserve = Math.max(2 ** 31, Math.floor((blocks * bsize) / 100));
  const item = items.find(({ key }: { key: string }) => key === "storage.reserve_bytes");
  expect(item).toMatchObject({ default: reserve, value: reserve, source: "default" });
});
