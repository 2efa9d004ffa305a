import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { createUpload } from "./multipart-upload.ts";
import { clientOf, type S3Response } from "./s3-client.ts";
import { signV2Query } from "./sign-v2.ts";

const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("presigned-headers");
await bucket.put("source", "copied");
afterAll(async () => {
  s3.close();
  await server.remove();
});

const spellings = ["x-amz-copy-source", "X-Amz-Copy-Source", "X-AMZ-COPY-SOURCE", "x%2Damz%2Dcopy-source"];
const source = "presigned-headers%2Fsource";

function store(target: string): Promise<S3Response> {
  return s3.send({ method: "PUT", target, credentials: null });
}

async function expectNothing(key: string, answer: S3Response, [status, code]: readonly [number, string]) {
  expect([key, answer.status, answer.code]).toEqual([key, status, code]);
  expect((await bucket.head(key)).status).toBe(404);
}

test("presigned: a copy source in the query copies, in every spelling of its name", async () => {
  for (const [index, name] of spellings.entries()) {
    const key = `copy-${index}`;
    const answer = await store(s3.presign("PUT", bucket.target(key, `${name}=${source}`)));
    expect([name, answer.status, answer.text.includes("<CopyObjectResult")]).toEqual([name, 200, true]);
    expect((await bucket.get(key)).text).toBe("copied");
  }
});

test("presigned: a copy source in the query makes a part of it, in every spelling of its name", async () => {
  const upload = await createUpload(bucket, "parts");
  for (const name of spellings) {
    const query = `${upload.query(1)}&${name}=${source}`;
    const answer = await store(s3.presign("PUT", bucket.target("parts", query)));
    expect([name, answer.status, answer.text.includes("<CopyPartResult")]).toEqual([name, 200, true]);
  }
  await upload.abort();
});

test("presigned: a SigV2 URL copies when the parameter was signed as a header, and is refused when it was not", async () => {
  const { credentials } = server;
  const resource = bucket.target("copy-v2");
  const amzParameters = { "x-amz-copy-source": "presigned-headers/source" };
  const signed = signV2Query({ method: "PUT", resource, credentials, amzParameters });
  const unsigned = signV2Query({ method: "PUT", resource, credentials });
  for (const name of spellings) {
    await expectNothing("copy-v2", await store(`${resource}?${unsigned}&${name}=${source}`), [
      403,
      "SignatureDoesNotMatch",
    ]);
  }
  for (const query of [signed, signed.replace("x-amz-copy-source", "X-Amz-Copy-Source")]) {
    expect((await store(`${resource}?${query}`)).text).toContain("<CopyObjectResult");
    expect((await bucket.get("copy-v2")).text).toBe("copied");
  }
});

test("presigned: a parameter added to a signed URL is refused", async () => {
  for (const added of [...spellings.map((name) => `${name}=${source}`), "X-Amz-Meta-A=1", "x-amz-tagging=a%3Db"]) {
    const target = `${s3.presign("PUT", bucket.target("added"))}&${added}`;
    await expectNothing("added", await store(target), [403, "SignatureDoesNotMatch"]);
  }
});

test("presigned: the parameter and a header of its name must say the same", async () => {
  const query = `X-Amz-Copy-Source=${source}`;
  for (const [value, status] of [
    ["presigned-headers/other", 403],
    ["presigned-headers/source", 200],
  ] as const) {
    const headers = { "x-amz-copy-source": value };
    const target = s3.presign("PUT", bucket.target(`both-${status}`, query), { headers });
    expect((await s3.send({ method: "PUT", target, headers, credentials: null })).status).toBe(status);
  }
  expect((await bucket.head("both-403")).status).toBe(404);
});

test("query: x-amz parameters of a request that is not presigned are refused, never passed over", async () => {
  for (const query of [...spellings.map((name) => `${name}=${source}`), "X-Amz-Acl=private", "x-amz-meta-a=1"]) {
    const target = bucket.target("stray", query);
    await expectNothing("stray", await s3.send({ method: "PUT", target, body: "x" }), [400, "InvalidArgument"]);
    const anonymous = await s3.send({ method: "PUT", target, body: "x", credentials: null });
    await expectNothing("stray", anonymous, [400, "InvalidArgument"]);
  }
});
