import { expect, test } from "bun:test";
import { CopySlots } from "./copy-slots.ts";

test("CopySlots: never more at once than the limit, in the order of the calls, also when some fail", async () => {
  const slots = new CopySlots(3);
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
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => slots.run(() => work(index))));
  expect(most).toBe(3);
  expect(started).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(outcomes.filter(({ status }) => status === "rejected").length).toBe(5);
  expect(await slots.run(async () => "again")).toBe("again");
});
