import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import type { BucketClient } from "#testing/acceptance/bucket-client.ts";
import { createUpload } from "#testing/acceptance/multipart-upload.ts";
import { openConnection } from "#testing/acceptance/raw-connection.ts";
import { testKey, testUser } from "#testing/identities.ts";
import { startPoolServer } from "#testing/pool-server.ts";

const server = await startPoolServer({ buckets: { bucket: "never" }, workerCount: 2 });
afterAll(() => server.remove());
const administrator = server.bucket("bucket");
const secretTag = { StringEquals: { "s3:ExistingObjectTag/class": "secret" } };
const publicTag = { StringEquals: { "s3:ExistingObjectTag/class": "public" } };
const all = { Effect: "Allow", Action: "s3:*", Resource: "*" };
let holderCount = 0;

/** The bucket as somebody new sees it, who has this policy alone. */
async function bucketUnder(...statements: readonly object[]): Promise<BucketClient> {
  return bucketUnderText(JSON.stringify({ Version: "2012-10-17", Statement: statements }));
}

async function bucketUnderText(text: string): Promise<BucketClient> {
  holderCount += 1;
  const accessKeyId = `AKIAHOLDER${String(holderCount).padStart(10, "0")}`;
  const userId = `AIDA${accessKeyId}`;
  server.publish([
    { kind: "user", id: userId, value: { ...testUser, userId, inlinePolicies: [{ name: "p", text }] } },
    { kind: "key", id: accessKeyId, value: { ...testKey, accessKeyId, secretKey: `secret-${accessKeyId}`, userId } },
  ]);
  const bucket = server.bucket("bucket", accessKeyId);
  for (let known = 0; known < 20; known++) if ((await bucket.get("x")).code === "InvalidAccessKeyId") known = 0;
  return bucket;
}

async function put(key: string, text: string, level: string): Promise<void> {
  expect((await administrator.put(key, text, { "x-amz-tagging": `class=${level}` })).status).toBe(200);
}

async function codeOfDelete(bucket: BucketClient, entry: string): Promise<string> {
  const body = `<Delete><Object>${entry}</Object></Delete>`;
  const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
  const { text } = await bucket.sendToBucket({ method: "POST", query: "delete", body, headers });
  return /<Code>(\w+)</.exec(text)?.[1] ?? (text.includes("<Deleted>") ? "deleted" : text);
}

test("ExistingObjectTag: the source of a copy is judged by its own tags, not by those of the target", async () => {
  await put("secret", "SECRET", "secret");
  await put("public", "public", "public");
  const denied = await bucketUnder(all, {
    Effect: "Deny",
    Action: "s3:GetObject",
    Resource: "*",
    Condition: secretTag,
  });
  const from = (key: string) => ({ "x-amz-copy-source": `bucket/${key}`, "x-amz-tagging-directive": "REPLACE" });
  expect((await denied.get("secret")).code).toBe("AccessDenied");
  expect((await denied.put("loot", "", from("secret"))).code).toBe("AccessDenied");
  expect((await denied.put("copied", "", from("public"))).status).toBe(200);
  const upload = await createUpload(denied, "parted");
  const query = `partNumber=1&uploadId=${upload.uploadId}`;
  const part = (key: string) =>
    denied.send("parted", { method: "PUT", query, headers: { "x-amz-copy-source": `bucket/${key}` } });
  expect([(await part("secret")).code, (await part("public")).status]).toEqual(["AccessDenied", 200]);
  const allowed = await bucketUnder(
    { Effect: "Allow", Action: "s3:PutObject", Resource: "*" },
    { Effect: "Allow", Action: "s3:GetObject*", Resource: "*", Condition: publicTag },
  );
  expect((await allowed.put("public", "", { "x-amz-copy-source": "bucket/secret" })).code).toBe("AccessDenied");
  expect((await allowed.put("fresh", "", { "x-amz-copy-source": "bucket/public" })).status).toBe(200);
  expect((await administrator.get("public")).text).toBe("public");
});

test("DeleteObjects: each entry is judged by its own tags and version id, and so is a copy's source", async () => {
  await put("secret", "SECRET", "secret");
  await put("other", "x", "public");
  const byTag = await bucketUnder(all, {
    ...{ Effect: "Deny", Action: "s3:DeleteObject", Resource: "*" },
    Condition: secretTag,
  });
  expect(await codeOfDelete(byTag, "<Key>secret</Key>")).toBe("AccessDenied");
  expect(await codeOfDelete(byTag, "<Key>other</Key>")).toBe("deleted");
  const byVersion = await bucketUnder(all, {
    ...{ Effect: "Deny", Action: ["s3:DeleteObjectVersion", "s3:GetObjectVersion"], Resource: "*" },
    Condition: { StringEquals: { "s3:VersionId": "null" } },
  });
  expect(await codeOfDelete(byVersion, "<Key>secret</Key><VersionId>null</VersionId>")).toBe("AccessDenied");
  const source = { "x-amz-copy-source": "bucket/secret?versionId=null" };
  expect((await byVersion.put("loot", "", source)).code).toBe("AccessDenied");
  expect((await administrator.get("secret")).text).toBe("SECRET");
  expect(await codeOfDelete(byVersion, "<Key>secret</Key>")).toBe("deleted");
});

test.each(["s3:ExistingObjectTag\\/class", "s3\\u003aExistingObjectTag/class", "s3:\\u0045xistingObjectTag/class"])(
  "ExistingObjectTag: JSON may spell it %s",
  async (spelling) => {
    await put("secret", "SECRET", "secret");
    const deny = `{"Effect":"Deny","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"${spelling}":"secret"}}}`;
    const bucket = await bucketUnderText(`{"Version":"2012-10-17","Statement":[${JSON.stringify(all)},${deny}]}`);
    expect((await bucket.get("secret")).code).toBe("AccessDenied");
  },
);

test("ExistingObjectTag: what is judged is what is sent, whoever replaces the object meanwhile", async () => {
  const reader = await bucketUnder({ Effect: "Allow", Action: "s3:GetObject", Resource: "*", Condition: publicTag });
  let isOver = false;
  const writing = (async () => {
    for (let i = 0; !isOver; i++) await (i % 2 ? put("toc", "SECRET", "secret") : put("toc", "PUBLIC", "public"));
  })();
  const read = async () => {
    const texts = [];
    for (let i = 0; i < 500; i++) texts.push((await reader.get("toc")).text);
    return texts;
  };
  const texts = (await Promise.all([read(), read(), read(), read()])).flat();
  isOver = true;
  await writing;
  expect(texts.filter((text) => text === "SECRET")).toEqual([]);
  expect(texts).toContain("PUBLIC");
}, 60_000);

test("copies: the source is one, however it is spelt; tags that a copy does not take do not count", async () => {
  await put("dir/secret", "SECRET", "secret");
  const bucket = await bucketUnder(
    all,
    {
      ...{ Effect: "Deny", Action: "s3:PutObject", Resource: "*" },
      Condition: { StringLike: { "s3:x-amz-copy-source": ["bucket/dir/*", "/bucket/dir/*"] } },
    },
    {
      ...{ Effect: "Deny", Action: "s3:PutObject", Resource: "arn:aws:s3:::bucket/only-public" },
      Condition: { StringNotEquals: { "s3:RequestObjectTag/class": "public" } },
    },
  );
  for (const source of ["bucket/dir/secret", "/bucket/d%69r/secret", "bucket%2Fdir%2Fsecret", "%62ucket/dir/secret"])
    expect([source, (await bucket.put("loot", "", { "x-amz-copy-source": source })).code]).toEqual([
      source,
      "AccessDenied",
    ]);
  const tagged = { "x-amz-copy-source": "bucket/public", "x-amz-tagging": "class=public" };
  expect((await bucket.put("only-public", "", tagged)).code).toBe("AccessDenied");
  const replaced = { ...tagged, "x-amz-tagging-directive": "REPLACE" };
  expect((await bucket.put("only-public", "", replaced)).status).toBe(200);
});

test("putObject: a length above S3's limit is EntityTooLarge, whatever room the disk has", async () => {
  for (const length of [5 * 2 ** 30 + 1, 2 ** 42, 10 ** 15 - 1]) {
    const headers = { "content-length": String(length) };
    const { head } = server.s3.prepare({ method: "PUT", target: administrator.target("huge"), headers });
    const connection = await openConnection({ port: server.s3.port });
    await connection.write(head);
    const answer = await connection.readResponse("PUT");
    expect([length, answer.status, answer.body.toString().includes("EntityTooLarge")]).toEqual([length, 400, true]);
    connection.destroy();
  }
});
