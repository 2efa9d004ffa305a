import { afterAll, expect, test } from "bun:test";
import { operationTable } from "#kernel/s3/operation-table.ts";
import type { Authentication } from "#kernel/sigv4/authentication.ts";
import { harnessBucket, identityWith, RequestHarness } from "#testing/request-harness.ts";
import { RequestValues } from "./request-values.ts";
import type { RequestParts } from "./s3-request.ts";

const harness = new RequestHarness();
await harness.open();
afterAll(() => harness.close());

interface Asked {
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly parts?: Partial<RequestParts>;
}

/** The values of condition keys for one request about the harness's bucket. */
async function valuesOf(names: readonly string[], { path, headers, parts }: Asked = {}): Promise<unknown[]> {
  let seen: unknown[] = [];
  const tags = [["team", "blue"]] as const;
  await harness.run(
    (request) => {
      const values = new RequestValues(request, { ...harnessBucket, tags }, undefined);
      seen = names.map((name) => values.get(name));
      request.response.end();
    },
    { ...(path && { path }), ...(headers && { headers }), ...(parts && { parts }) },
  );
  return seen;
}

test("RequestValues: who asks comes from the identity, and no header can say it", async () => {
  const names = ["aws:username", "aws:userid", "aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalType"];
  const headers = { username: "root", "x-amz-username": "root" };
  const identity = identityWith([]);
  expect(await valuesOf(names, { headers: { ...headers, "x-forwarded-for": "1.2.3.4" }, parts: { identity } })).toEqual(
    ["user", identity.user.userId, "arn:aws:iam::123456789012:user/user", "123456789012", "User"],
  );
  expect(await valuesOf(names)).toEqual([undefined, "anonymous", undefined, undefined, "Anonymous"]);
});

test("RequestValues: connection and time; the address is the peer's, whatever a header claims", async () => {
  const names = [
    "aws:SourceIp",
    "aws:SecureTransport",
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:UserAgent",
    "s3:TlsVersion",
  ];
  const headers = { "x-forwarded-for": "1.2.3.4", "x-real-ip": "1.2.3.4", "user-agent": "tool/1" };
  expect(await valuesOf(names, { headers })).toEqual([
    "127.0.0.1",
    "false",
    "2026-01-02T03:04:05.000Z",
    "1767323045",
    "tool/1",
    undefined,
  ]);
});

test("RequestValues: parameters of listings count for listings alone", async () => {
  const names = ["s3:prefix", "s3:delimiter", "s3:max-keys"];
  const path = "/bucket?prefix=home%2F&delimiter=%2F&max-keys=5";
  const list = { spec: operationTable.ListObjectsV2 };
  expect(await valuesOf(names, { path, parts: list })).toEqual(["home/", "/", "5"]);
  expect(await valuesOf(names, { path, parts: { spec: operationTable.GetObject } })).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(await valuesOf(names, { path: "/bucket", parts: list })).toEqual([undefined, undefined, undefined]);
});

test("RequestValues: what the client sent about the object", async () => {
  const headers = {
    "x-amz-acl": "private",
    "x-amz-server-side-encryption": "AES256",
    "x-amz-storage-class": "STANDARD",
    "x-amz-tagging": "a=1&b=%C3%A9",
    "if-none-match": "*",
    "x-amz-object-lock-mode": "GOVERNANCE",
    "x-amz-object-lock-retain-until-date": "2026-01-05T03:04:05Z",
  };
  const spec = operationTable.PutObject;
  const names = [
    "s3:x-amz-acl",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-storage-class",
    "s3:RequestObjectTag/b",
    "s3:RequestObjectTag/c",
    "s3:RequestObjectTagKeys",
    "s3:if-none-match",
    "s3:object-lock-mode",
    "s3:object-lock-remaining-retention-days",
    "s3:ObjectCreationOperation",
    "s3:VersionId",
  ];
  expect(await valuesOf(names, { path: "/bucket/key?versionId=v", headers, parts: { spec } })).toEqual([
    ...["private", "AES256", "STANDARD", "é", undefined, ["a", "b"], "*", "GOVERNANCE", "3", "true", "v"],
  ]);
  expect(await valuesOf(["s3:ObjectCreationOperation"])).toEqual(["false"]);
});

test("RequestValues: the resource, its tags, the way in", async () => {
  const names = [
    "aws:ResourceAccount",
    "s3:ResourceAccount",
    "s3:BucketTag/team",
    "aws:ResourceTag/team",
    "maxiofs:Via",
  ];
  expect(await valuesOf(names)).toEqual(["123456789012", "123456789012", "blue", "blue", "s3"]);
  expect(await valuesOf(["s3:BucketTag/other", "iam:PolicyARN", "aws:SourceVpc"])).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test("RequestValues: how it was signed", async () => {
  const names = ["s3:authType", "s3:signatureversion", "s3:signatureAge"];
  const authentication: Authentication = {
    ...{ kind: "signed", carrier: "query", version: "v4", accessKeyId: "AKIA", payload: { kind: "unsigned" } },
    ...{ signedAtMs: Date.UTC(2026, 0, 2, 3, 4, 0), hoistedHeaders: {} },
  };
  expect(await valuesOf(names, { parts: { authentication } })).toEqual([
    "REST-QUERY-STRING",
    "AWS4-HMAC-SHA256",
    "5000",
  ]);
  expect(await valuesOf(names)).toEqual([undefined, undefined, undefined]);
});
