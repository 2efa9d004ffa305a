import { expect, test } from "bun:test";
import { builtInPolicies, findBuiltInPolicy } from "./built-in-policies.ts";

test("findBuiltInPolicy: by either name", () => {
  expect(findBuiltInPolicy("readwrite")).toBe(findBuiltInPolicy("AmazonS3FullAccess"));
  expect(findBuiltInPolicy("consoleAdmin")?.awsName).toBe("AdministratorAccess");
  expect(findBuiltInPolicy("ReadWrite")).toBeUndefined();
});

test("builtInPolicies: every name once", () => {
  const names = builtInPolicies.flatMap(({ name, awsName }) => (awsName === undefined ? [name] : [name, awsName]));
  expect(new Set(names).size).toBe(names.length);
});
