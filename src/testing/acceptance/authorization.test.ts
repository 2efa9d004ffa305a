import { afterAll, expect, test } from "bun:test";
import { type Credentials, startServer } from "../server-process.ts";
import { createUpload } from "./multipart-upload.ts";
import { clientOf, type S3Request, type S3Response } from "./s3-client.ts";
import { md5Base64 } from "./test-data.ts";

/** One operation of wave 1: what it is sent as, the actions it needs and what it answers to a caller who has them. */
interface OperationCase {
  readonly name: string;
  readonly actions: readonly string[];
  readonly status: number;
  /** Made anew for each attempt, since some attempts change the state. */
  readonly request: () => Promise<S3Request>;
}

const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("auth");
await bucket.put("key", "secret body");
const upload = await createUpload(bucket, "upload");
await upload.put(1, "part");
afterAll(async () => {
  s3.close();
  await server.remove();
});

let fresh = 0;
const deleteBody = "<Delete><Object><Key>victim</Key></Object></Delete>";
const operations: readonly OperationCase[] = [
  simple("ListBuckets", "GET /", ["s3:ListAllMyBuckets"]),
  {
    name: "CreateBucket",
    actions: ["s3:CreateBucket"],
    status: 200,
    request: async () => ({ method: "PUT", target: `/auth-new-${++fresh}` }),
  },
  simple("HeadBucket", "HEAD /auth", ["s3:ListBucket"]),
  simple("GetBucketLocation", "GET /auth?location", ["s3:GetBucketLocation"]),
  simple("ListObjects", "GET /auth", ["s3:ListBucket"]),
  simple("ListObjectsV2", "GET /auth?list-type=2", ["s3:ListBucket"]),
  simple("ListObjectVersions", "GET /auth?versions", ["s3:ListBucketVersions"]),
  simple("ListMultipartUploads", "GET /auth?uploads", ["s3:ListBucketMultipartUploads"]),
  simple("GetObject", "GET /auth/key", ["s3:GetObject"]),
  simple("GetObject of a version", "GET /auth/key?versionId=null", ["s3:GetObjectVersion"]),
  simple("HeadObject", "HEAD /auth/key", ["s3:GetObject"]),
  simple("ListParts", `GET ${bucket.target("upload", upload.query())}`, ["s3:ListMultipartUploadParts"]),
  {
    ...simple("PutObject", "PUT /auth/put", ["s3:PutObject"]),
    request: async () => ({ method: "PUT", target: "/auth/put", body: "x" }),
  },
  {
    name: "CopyObject",
    actions: ["s3:PutObject", "s3:GetObject"],
    status: 200,
    request: async () => ({ method: "PUT", target: "/auth/copied", headers: { "x-amz-copy-source": "auth/key" } }),
  },
  simple("CreateMultipartUpload", "POST /auth/created?uploads", ["s3:PutObject"]),
  {
    name: "UploadPart",
    actions: ["s3:PutObject"],
    status: 200,
    request: async () => ({ method: "PUT", target: bucket.target("upload", upload.query(2)), body: "x" }),
  },
  {
    name: "UploadPartCopy",
    actions: ["s3:PutObject", "s3:GetObject"],
    status: 200,
    request: async () => ({
      method: "PUT",
      target: bucket.target("upload", upload.query(3)),
      headers: { "x-amz-copy-source": "auth/key" },
    }),
  },
  {
    name: "CompleteMultipartUpload",
    actions: ["s3:PutObject"],
    status: 200,
    request: async () => {
      const one = await createUpload(bucket, "completed");
      const { etag = "" } = (await one.put(1, "x")).headers;
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`;
      return { method: "POST", target: bucket.target("completed", one.query()), body };
    },
  },
  {
    name: "AbortMultipartUpload",
    actions: ["s3:AbortMultipartUpload"],
    status: 204,
    request: async () => ({
      method: "DELETE",
      target: bucket.target("aborted", (await createUpload(bucket, "aborted")).query()),
    }),
  },
  { ...simple("DeleteObject", "DELETE /auth/victim", ["s3:DeleteObject"]), status: 204 },
  {
    ...simple("DeleteObject of a version", "DELETE /auth/victim?versionId=null", ["s3:DeleteObjectVersion"]),
    status: 204,
  },
  {
    name: "DeleteBucket",
    actions: ["s3:DeleteBucket"],
    status: 204,
    request: async () => {
      const { name } = await s3.createBucket(`auth-gone-${++fresh}`);
      return { method: "DELETE", target: `/${name}` };
    },
  },
];

for (const operation of operations) {
  test(`${operation.name}: refused to nobody, a wrong secret, a key without grants and one with all other actions`, async () => {
    const others = operations.flatMap(({ actions }) => actions).filter((action) => !operation.actions.includes(action));
    const callers: readonly (readonly [string, Credentials | null, readonly string[]])[] = [
      ["nobody", null, ["AccessDenied"]],
      ["wrong secret", { ...server.credentials, secretKey: "wrong" }, ["SignatureDoesNotMatch"]],
      ["unknown key", { ...server.credentials, accessKeyId: "AKIANOSUCHKEY0000000" }, ["InvalidAccessKeyId"]],
      ["no grants", await keyWith([]), ["AccessDenied"]],
      ["other actions", await keyWith(others), ["AccessDenied"]],
    ];
    await bucket.put("victim", "x");
    for (const [caller, credentials, codes] of callers) {
      const answer = await attempt(operation, credentials);
      const code = answer.code === "" ? codes[0] : answer.code;
      expect([operation.name, caller, answer.status, codes.includes(code ?? "")]).toEqual([
        operation.name,
        caller,
        403,
        true,
      ]);
      expect(answer.text).not.toContain("secret body");
    }
    for (const key of ["key", "victim"]) expect((await bucket.head(key)).status).toBe(200);
  });

  test(`${operation.name}: answered to a key with just ${operation.actions.join(" and ")}`, async () => {
    const answer = await attempt(operation, await keyWith(operation.actions));
    expect([operation.name, answer.status, answer.code]).toEqual([operation.name, operation.status, ""]);
    for (const missing of operation.actions.length > 1 ? operation.actions : []) {
      const partial = await attempt(operation, await keyWith(operation.actions.filter((action) => action !== missing)));
      expect([operation.name, missing, partial.status]).toEqual([operation.name, missing, 403]);
    }
  });
}

test("DeleteObjects: each key is judged by itself", async () => {
  await bucket.put("victim", "x");
  const headers = { "content-md5": md5Base64(deleteBody) };
  const request = { method: "POST", query: "delete", body: deleteBody, headers };
  const refused = await bucket.sendToBucket({ ...request, credentials: await keyWith(["s3:ListBucket"]) });
  expect([refused.status, refused.text.includes("<Code>AccessDenied</Code>")]).toEqual([refused.status, true]);
  expect((await bucket.head("victim")).status).toBe(200);
  const allowed = await bucket.sendToBucket({ ...request, credentials: await keyWith(["s3:DeleteObject"]) });
  expect([allowed.status, allowed.text.includes("<Deleted>")]).toEqual([200, true]);
  expect((await bucket.head("victim")).status).toBe(404);
});

test("GetObject: a missing key is 404 to callers who may list and 403 to others", async () => {
  const request = { method: "GET", target: "/auth/missing" };
  expect((await s3.send({ ...request, credentials: await keyWith(["s3:GetObject"]) })).status).toBe(403);
  expect((await s3.send({ ...request, credentials: await keyWith(["s3:GetObject", "s3:ListBucket"]) })).status).toBe(
    404,
  );
});

test("GetObject: conditions are no oracle for callers who may not read", async () => {
  const credentials = await keyWith(["s3:ListBucket"]);
  for (const headers of [{ "if-match": '"x"' }, { "if-none-match": "*" }, { range: "bytes=999999-" }]) {
    const answer = await s3.send({ method: "GET", target: "/auth/key", headers, credentials });
    expect([answer.status, answer.code]).toEqual([403, "AccessDenied"]);
  }
});

test("grants: a resource that is not named is refused, so is a prefix of it", async () => {
  const credentials = await server.createKey("scoped", [{ actions: ["s3:*"], resources: ["arn:aws:s3:::auth/own/*"] }]);
  const put = (target: string) => s3.send({ method: "PUT", target, body: "x", credentials });
  expect((await put("/auth/own/a")).status).toBe(200);
  for (const target of ["/auth/own", "/auth/other", "/auth-2/own/a"]) expect((await put(target)).status).not.toBe(200);
  expect((await put("/auth/own/../key")).status).toBe(200);
  expect((await bucket.get("key")).text).toBe("secret body");
});

test("access keys: one that was taken away is refused within 100 ms", async () => {
  const credentials = await keyWith(["s3:GetObject"]);
  const read = () => s3.send({ method: "GET", target: "/auth/key", credentials });
  expect((await read()).status).toBe(200);
  const removed = await server.adminFetch(`/api/v1/access-keys/${credentials.accessKeyId}`, { method: "DELETE" });
  expect(removed.ok).toBe(true);
  await Bun.sleep(100);
  const answers = await Promise.all(Array.from({ length: 10 }, read));
  for (const answer of answers) expect([answer.status, answer.code]).toEqual([403, "InvalidAccessKeyId"]);
});

/** An operation that needs nothing made before and answers 200; `line` is method and target. */
function simple(name: string, line: string, actions: readonly string[]): OperationCase {
  const [method = "", target = ""] = line.split(" ");
  return { name, actions, status: 200, request: async () => ({ method, target }) };
}

async function attempt(operation: OperationCase, credentials: Credentials | null): Promise<S3Response> {
  return s3.send({ ...(await operation.request()), credentials });
}

function keyWith(actions: readonly string[]): Promise<Credentials> {
  const grants = actions.length === 0 ? [] : [{ actions, resources: ["*"] }];
  return server.createKey(`user-${++fresh}`, grants);
}
