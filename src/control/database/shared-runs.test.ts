import { expect, test } from "bun:test";
import { SharedRuns } from "./shared-runs.ts";

test("SharedRuns: one at a time; who comes while a run waits shares it, who comes while it runs gets the next", async () => {
  const runs = new SharedRuns<string>();
  const begun: string[] = [];
  let running = 0;
  const ask = (key: string, name: string) =>
    runs.run(key, async () => {
      begun.push(name);
      running++;
      expect(running).toBe(1);
      await Bun.sleep(5);
      running--;
      return name;
    });
  const first = ask("a", "a1");
  await Bun.sleep(1);
  const others = [ask("a", "a2"), ask("b", "b1"), ask("a", "a3"), ask("b", "b2")];
  expect(await Promise.all([first, ...others])).toEqual(["a1", "a2", "b1", "a2", "b1"]);
  expect(begun).toEqual(["a1", "a2", "b1"]);
});

test("SharedRuns: a run that fails fails for those who share it, and for nobody else", async () => {
  const runs = new SharedRuns<number>();
  const fail = () => Promise.reject(new Error("broken"));
  const shared = [runs.run("a", fail), runs.run("a", async () => 1)];
  expect((await Promise.allSettled(shared)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await runs.run("a", async () => 2)).toBe(2);
});
