import { expect, test } from "bun:test";
import { operations } from "../s3/operation-table.ts";
import { actionCatalogue, findAction, matchesSomeAction } from "./actions.ts";

test("actionCatalogue: has every action of every S3 operation, with the operation and the resource", () => {
  for (const { name, actions } of operations) {
    for (const { action, versionAction = action, on } of actions) {
      for (const wanted of [action, versionAction]) {
        expect(findAction(wanted)?.operations).toContain(name);
        if (on === "bucket" || on === "service")
          expect(findAction(wanted)?.on).toContain(on === "bucket" ? on : "server");
        else expect(findAction(wanted)?.on).toContain("object");
      }
    }
  }
});

test("actionCatalogue: each name once, well formed, on something", () => {
  const names = actionCatalogue.map(({ name }) => name.toLowerCase());
  expect(new Set(names).size).toBe(names.length);
  for (const { name, on } of actionCatalogue) {
    expect(name).toMatch(/^(s3|s3express|s3-object-lambda|iam|sts|maxiofs):[A-Z][A-Za-z]+$/);
    expect(on.length).toBeGreaterThan(0);
  }
});

test("actionCatalogue: actions on the whole server want the flag, those in a tenant do not", () => {
  const isGlobal = (name: string) => findAction(`maxiofs:${name}`)?.global;
  for (const name of ["CreateTenant", "SetTenantQuota", "SetGlobal", "UpdateSettings", "ManageCluster", "RotateKeys"]) {
    expect(isGlobal(name)).toBe(true);
  }
  for (const name of ["ReadAudit", "ReadMetrics", "ManageSessions", "SetBucketQuota", "ExplainAccess", "RunJob"]) {
    expect(isGlobal(name)).toBe(false);
  }
  expect(actionCatalogue.some(({ name, global }) => global && !name.startsWith("maxiofs:"))).toBe(false);
});

test("findAction, matchesSomeAction: in any case", () => {
  expect(findAction("S3:GETOBJECT")?.name).toBe("s3:GetObject");
  expect(findAction("s3:Get*")).toBeUndefined();
  expect(["s3:getobject", "S3:get*", "iam:?etUser", "maxiofs:*"].map(matchesSomeAction)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(["s3:GetObjects", "s3:Gett*", "iam:"].map(matchesSomeAction)).toEqual([false, false, false]);
});
