import { expect, test } from "bun:test";
import { checkPolicyFile } from "./check-command.ts";

const statement = { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::photos/*" };
const right = JSON.stringify({ Version: "2012-10-17", Statement: statement });
const check = (words: string, text: string) => checkPolicyFile(words.split(" "), () => ({ text }));

test("checkPolicyFile: a right policy is code 0, with warnings for what is most likely not meant", async () => {
  expect(await check("p.json", right)).toEqual({ exitCode: 0, lines: ["The policy is right: 1 statement"] });
  const odd = JSON.stringify({ Version: "2012-10-17", Statement: { ...statement, Action: "s3:GetObjekt*" } });
  const { exitCode, lines } = await check("p.json", odd);
  expect([exitCode, lines.length]).toEqual([0, 2]);
  expect(lines[0]).toStartWith("warning: /Statement/Action: ");
});

test("checkPolicyFile: a wrong policy is code 1, each finding with its place", async () => {
  const wrong = JSON.stringify({ Version: "2012-10-17", Statement: [{ ...statement, Effect: "Perhaps", Extra: 1 }] });
  const { exitCode, lines } = await check("p.json", wrong);
  expect(exitCode).toBe(1);
  expect(lines).toEqual([
    expect.stringContaining("error: /Statement/0/Extra: "),
    expect.stringContaining("error: /Statement/0/Effect: "),
  ]);
  expect((await check("p.json", "{")).exitCode).toBe(1);
});

test("checkPolicyFile: the kind and the bucket decide what may be in it", async () => {
  const bucket = JSON.stringify({ Version: "2012-10-17", Statement: { ...statement, Principal: "*" } });
  expect((await check("p.json", bucket)).exitCode).toBe(1);
  expect((await check("p.json --kind bucket", bucket)).exitCode).toBe(0);
  expect((await check("--bucket photos p.json", bucket)).exitCode).toBe(0);
  expect((await check("p.json --bucket other", bucket)).exitCode).toBe(1);
});

test("checkPolicyFile: nothing to check is code 2", async () => {
  const missing = await checkPolicyFile(["gone.json"], () => ({ problem: "no such file" }));
  expect(missing).toEqual({ exitCode: 2, lines: [expect.stringContaining("gone.json cannot be read: no such file")] });
  for (const words of [[], ["a", "b"], ["a", "--kind", "odd"], ["a", "--bukcet=b"]]) {
    const { exitCode, lines } = await checkPolicyFile(words, () => ({ text: right }));
    expect([words, exitCode, lines[0]]).toEqual([words, 2, expect.stringContaining("maxiofs: ")]);
  }
});
