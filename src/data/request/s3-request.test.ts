import { afterAll, expect, test } from "bun:test";
import { harnessBucket, identityWith, RequestHarness } from "#testing/request-harness.ts";
import { testIssuedAtMs, testSession } from "#testing/session-content.ts";
import { BodyBudget } from "./body-budget.ts";
import { bucketArn, type RequestParts, type S3Request } from "./s3-request.ts";

const harness = new RequestHarness();
await harness.open();
afterAll(() => harness.close());

/** What `read` sees of a request. */
async function see(
  read: (request: S3Request) => unknown,
  path = "/bucket/key",
  parts: Partial<RequestParts> = {},
): Promise<unknown> {
  let seen: unknown;
  const response = await harness.run(
    (request) => {
      seen = read(request);
      request.response.end();
    },
    { path, parts, headers: { "X-Amz-Test": "value" } },
  );
  return response.status === 599 ? await response.text() : seen;
}

test("S3Request: the parts of the URL, headers by lower-case name", async () => {
  expect(
    await see(
      (request) => [request.bucketName, String(request.key), request.versionId, request.header("x-amz-test")],
      "/bucket/a//b?versionId=v",
    ),
  ).toEqual(["bucket", "a//b", "v", "value"]);
  expect(await see((request) => [request.secure, request.awaitsContinue, request.header("none")])).toEqual([
    false,
    false,
    undefined,
  ]);
});

test("S3Request: what a request does not have is an S3 error, never undefined", async () => {
  expect(await see((request) => request.bucket, "/other/key")).toBe("NoSuchBucket");
  expect(await see((request) => request.key, "/bucket")).toBe("InvalidRequest");
  expect(await see((request) => request.signer)).toBe("AccessDenied");
});

test("S3Request: the resource as error documents name it", async () => {
  expect([
    await see((request) => request.resource, "/"),
    await see((request) => request.resource, "/bucket"),
    await see((request) => request.resource),
  ]).toEqual(["/", "/bucket", "/bucket/key"]);
});

test("S3Request: who calls, as the commit record names them", async () => {
  expect(await see((request) => request.principal)).toBe("anonymous");
  const identity = identityWith([]);
  expect(await see((request) => request.principal, "/bucket", { identity })).toBe(
    "arn:aws:iam::123456789012:user/user",
  );
});

test("require: throws AccessDenied unless the caller has a grant for action and resource", async () => {
  const identity = identityWith([{ actions: ["s3:Get*"], resources: ["arn:aws:s3:::bucket/a/*"] }]);
  const ask = (action: string, key: string) =>
    see((request) => request.require(action, harnessBucket, key) ?? "allowed", "/bucket", { identity });
  expect(await ask("s3:GetObject", "a/b")).toBe("allowed");
  expect(await ask("s3:PutObject", "a/b")).toBe("AccessDenied");
  expect(await ask("s3:GetObject", "b")).toBe("AccessDenied");
  expect(bucketArn("bucket")).toBe("arn:aws:s3:::bucket");
});

test("commit: nothing is committed with a key or session that has expired meanwhile", async () => {
  const identity = identityWith([]);
  const { key, user: _, ...rest } = identity;
  const commit = async (expiresAtMs: number) => {
    const about = { bucketId: "B", key: "key", principal: "", requestId: "R" };
    const abort = { kind: "abortUpload", ...about, uploadId: "u", ifInitiatedMs: null } as const;
    const ask = (parts: Partial<RequestParts>) =>
      see((request) => void request.commit(abort).catch(() => {}), "/bucket/key", parts);
    const session = { ...testSession, expiresAtMs };
    return [
      await ask({ identity: { ...identity, key: { ...key, expiresAtMs } } }),
      await ask({ identity: { ...rest, kind: "session", accessKeyId: "ASIA", session } }),
    ];
  };
  expect(await commit(testIssuedAtMs + 1)).toEqual([undefined, undefined]);
  expect(await commit(testIssuedAtMs)).toEqual(["AccessDenied", "AccessDenied"]);
});

test("S3Request.endGathering: of a handled request only what its client has not taken yet counts, until it has", async () => {
  const bodyBudget = new BodyBudget(100 * 2 ** 20);
  const seen: number[] = [];
  const response = await harness.run(
    async (request) => {
      await request.gather(1_000);
      request.response.end(Buffer.alloc(32 * 2 ** 20));
      seen.push(bodyBudget.usedBytes);
      request.endGathering();
      seen.push(bodyBudget.usedBytes);
    },
    { plane: { bodyBudget } },
  );
  expect((await response.arrayBuffer()).byteLength).toBe(32 * 2 ** 20);
  expect(seen[0]).toBe(1_000);
  expect(seen[1]).toBeGreaterThan(1_000);
  expect(seen[1]).toBeLessThan(32 * 2 ** 20);
  while (bodyBudget.usedBytes > 0) await Bun.sleep(5);
  expect(bodyBudget.usedBytes).toBe(0);
});

test("S3Request.gather: what gets room after the request has ended is given back", async () => {
  const bodyBudget = new BodyBudget(10, { share: 1 });
  let late: unknown;
  const response = await harness.run(
    async (request) => {
      await bodyBudget.take(10, "a");
      const waiting = request.gather(5);
      request.response.end("answered");
      request.endGathering();
      bodyBudget.give(10, "a");
      late = await waiting?.catch((error: unknown) => error);
    },
    { plane: { bodyBudget } },
  );
  expect(await response.text()).toBe("answered");
  expect([late, bodyBudget.usedBytes]).toEqual([expect.objectContaining({ code: "IncompleteBody" }), 0]);
});
