import { afterEach, expect, test } from "bun:test";
import { closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";
import { describeResource } from "./caller-request.ts";

afterEach(closeControls);

/** Paths whose actions have no ARN of their own, and the whole service of S3. */
const unnamed = ["settings", "audit/events", "users", "policies", "access-keys", "tenants", "sts-sessions"];

/** The status of a GET of each path by a token with one statement. */
async function open() {
  const { fetch } = await startControl();
  return async (statement: object, paths: readonly string[]) => {
    const policy = JSON.stringify({ Version: "2012-10-17", Statement: statement });
    const body = JSON.stringify({ name: `token-${crypto.randomUUID()}`, policy });
    const made = await fetch("/api/v1/me/tokens", { method: "POST", as: testAdministrator, body });
    const { token } = await made.json();
    const headers = { authorization: `Bearer ${token}` };
    return Promise.all(paths.map(async (path) => (await fetch(`/api/v1/${path}`, { headers })).status));
  };
}

const each = (status: number) => unnamed.map(() => status);

test("makeAllowsCaller: a policy about S3's resources opens nothing that is none of them", async () => {
  const statuses = await open();
  for (const resource of ["arn:aws:s3:::*", "arn:aws:s3:*:*:*", "arn:*:s3:*:*:*", "arn:aws:iam::*:*"]) {
    const given = await statuses({ Effect: "Allow", Action: ["*", "iam:*", "maxiofs:*"], Resource: resource }, unnamed);
    expect([resource, given]).toEqual([resource, each(403)]);
  }
  expect(await statuses({ Effect: "Allow", Action: "*", Resource: "*" }, unnamed)).toEqual(each(200));
  const all = { Effect: "Allow", Action: "*", NotResource: "arn:aws:s3:::secret/*" };
  expect(await statuses(all, unnamed)).toEqual(each(200));
});

test("makeAllowsCaller: a Deny about S3's resources closes nothing else; one about everything does", async () => {
  const statuses = await open();
  const allow = { Effect: "Allow", Action: "*", Resource: "*" };
  const deny = (Resource: string) => [allow, { Effect: "Deny", Action: "*", Resource }];
  expect(await statuses(deny("arn:aws:s3:::*"), unnamed)).toEqual(each(200));
  expect(await statuses(deny("*"), unnamed)).toEqual(each(403));
});

test("describeResource: `*` is the whole of S3 for its own actions alone; what is no ARN is nothing", () => {
  expect(describeResource("s3:ListAllMyBuckets", "*")).toMatchObject({ service: "s3", path: "*", plainName: true });
  expect(describeResource("iam:ListUsers", "*")).toMatchObject({ service: "", path: "", plainName: false });
  expect(describeResource("iam:ListUsers", "users")).toBeUndefined();
});
