import { expect, test } from "bun:test";
import { identityWith } from "#testing/request-harness.ts";
import { authorize, bucketResource, wholeService } from "./authorize.ts";

const resource = bucketResource({ name: "bucket", accountId: "123456789012" }, "k");
const values = new Map<string, string>();
const action = "s3:GetObject";
const grants = [{ actions: ["S3:GETOBJECT"], resources: ["arn:aws:s3:::bucket/*"] }];

test("authorize: default deny; names of resources are compared bytewise", () => {
  const ask = (given: typeof grants) => authorize(identityWith(given), { action, resource, values }).outcome;
  expect([ask([]), ask(grants)]).toEqual(["implicitDeny", "allow"]);
  expect(ask([{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::Bucket/*"] }])).toBe("implicitDeny");
});

test("authorize: the tenant's border holds whatever the identity's policies say", () => {
  const all = [{ actions: ["*"], resources: ["*"] }];
  const ask = (accountId: string) => authorize(identityWith(all, { accountId }), { action, resource, values }).outcome;
  expect([ask("123456789012"), ask("210987654321")]).toEqual(["allow", "implicitDeny"]);
});

test("authorize: nobody may do nothing, on S3 as a whole too", () => {
  expect(authorize({ kind: "anonymous" }, { action, resource, values }).outcome).toBe("implicitDeny");
  const list = { action: "s3:ListAllMyBuckets", resource: wholeService, values };
  expect(authorize({ kind: "anonymous" }, list).outcome).toBe("implicitDeny");
});
