import { expect, test } from "bun:test";
import { takeFlag, takeSwitch, takeWord } from "./arguments.ts";

test("takeWord: the first word that is no flag and no flag's value", () => {
  expect(takeWord(["--data", "d", "w", "x"])).toEqual({ value: "w", rest: ["--data", "d", "x"] });
  expect(takeWord(["--data=d", "-"])).toEqual({ value: "-", rest: ["--data=d"] });
  expect(takeWord(["w", "--data", "d"])).toEqual({ value: "w", rest: ["--data", "d"] });
  expect(takeWord(["--data", "d"])).toEqual({ value: undefined, rest: ["--data", "d"] });
});

test("takeFlag: in both spellings; without a value it stays", () => {
  expect(takeFlag(["a", "--to", "f", "b"], "--to")).toEqual({ value: "f", rest: ["a", "b"] });
  expect(takeFlag(["a", "--to=f", "b"], "--to")).toEqual({ value: "f", rest: ["a", "b"] });
  expect(takeFlag(["--to"], "--to")).toEqual({ value: undefined, rest: ["--to"] });
  expect(takeFlag(["--tofu", "f"], "--to")).toEqual({ value: undefined, rest: ["--tofu", "f"] });
});

test("takeSwitch: wherever it is", () => {
  expect(takeSwitch(["a", "--now", "b"], "--now")).toEqual({ value: "--now", rest: ["a", "b"] });
  expect(takeSwitch(["a"], "--now")).toEqual({ value: undefined, rest: ["a"] });
});
