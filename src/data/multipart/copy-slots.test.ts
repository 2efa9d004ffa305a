import { expect, test } from "bun:test";
import { CopySlots } from "./copy-slots.ts";

test("CopySlots: of one holder never more at once than his share, in the order of the calls, also when some fail", async () => {
  const slots = new CopySlots(4);
  const started: number[] = [];
  let running = 0;
  let most = 0;
  const work = async (index: number) => {
    started.push(index);
    running += 1;
    most = Math.max(most, running);
    await Bun.sleep(index % 3);
    running -= 1;
    if (index % 4 === 0) throw new Error("fails");
    return index;
  };
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => slots.run("a", () => work(index))),
  );
  expect(most).toBe(3);
  expect(started).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(outcomes.filter(({ status }) => status === "rejected").length).toBe(5);
  expect(await slots.run("a", async () => "again")).toBe("again");
});

test("CopySlots: others find a slot at once, never more than the limit run, and who has fewer comes first", async () => {
  const slots = new CopySlots(4);
  const ends: (() => void)[] = [];
  const started: string[] = [];
  const begin = (holder: string) =>
    slots.run(holder, () => {
      started.push(holder);
      return new Promise<void>((end) => ends.push(end));
    });
  const all = [..."aaaaabcb"].map(begin);
  await Bun.sleep(0);
  expect(started.join("")).toBe("aaab");
  ends[0]?.();
  await Bun.sleep(0);
  expect(started.join("")).toBe("aaabc");
  ends[3]?.();
  await Bun.sleep(0);
  expect(started.join("")).toBe("aaabcb");
  while (started.length < 8) {
    for (const end of ends) end();
    await Bun.sleep(0);
  }
  for (const end of ends) end();
  await Promise.all(all);
});
