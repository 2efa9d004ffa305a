import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { createUpload } from "./multipart-upload.ts";
import { clientOf } from "./s3-client.ts";
import { readXmlElements, readXmlText, readXmlTexts } from "./xml-text.ts";

const server = await startServer();
const s3 = clientOf(server);
afterAll(async () => {
  s3.close();
  await server.remove();
});

const goodNames = ["abc", "a-b", "a.b.c", "123", "1.2.3", "a--b", "x".repeat(63)];
const badNames = [
  "ab",
  "x".repeat(64),
  "Abc",
  "a_b",
  "-abc",
  "abc-",
  ".abc",
  "abc.",
  "a..b",
  "a.-b",
  "a-.b",
  "192.168.1.1",
  "xn--abc",
  "abc-s3alias",
  "abc--ol-s3",
  "abc.mrap",
  "abc--x-s3",
  "abc--table-s3",
  "a%20b",
  "caf%C3%A9",
];

for (const name of goodNames) {
  test(`CreateBucket: ${name} is a name`, async () => {
    const created = await s3.send({ method: "PUT", target: `/${name}` });
    expect([created.status, created.headers["location"]]).toEqual([200, `/${name}`]);
    expect((await s3.send({ method: "DELETE", target: `/${name}` })).status).toBe(204);
  });
}

for (const name of badNames) {
  test(`CreateBucket: ${name} is no name`, async () => {
    const created = await s3.send({ method: "PUT", target: `/${name}` });
    expect([created.status, created.code]).toEqual([400, "InvalidBucketName"]);
    expect((await s3.send({ method: "GET", target: `/${name}` })).status).toBe(404);
    expect((await s3.send({ method: "HEAD", target: `/${name}/key` })).status).toBe(404);
  });
}

test("CreateBucket: again by the owner is 200 where the server's region is us-east-1, and changes nothing", async () => {
  const bucket = await s3.createBucket("again");
  await bucket.put("kept", "x");
  expect((await s3.send({ method: "PUT", target: "/again" })).status).toBe(200);
  expect((await bucket.get("kept")).text).toBe("x");
});

test("CreateBucket: again by the owner is BucketAlreadyOwnedByYou where the server's region is another", async () => {
  const elsewhere = await startServer({ env: { MAXIOFS_S3_REGION: "eu-west-1" } });
  const client = clientOf(elsewhere);
  const body = locationDocument("eu-west-1");
  expect((await client.send({ method: "PUT", target: "/again", body })).status).toBe(200);
  const second = await client.send({ method: "PUT", target: "/again", body });
  expect([second.status, second.code]).toEqual([409, "BucketAlreadyOwnedByYou"]);
  client.close();
  await elsewhere.remove();
});

test("CreateBucket: of 16 racing creations and deletions of a name the end is one of the two", async () => {
  const target = "/contended";
  await Promise.all(
    Array.from({ length: 16 }, (_, index) => s3.send({ method: index % 2 === 0 ? "PUT" : "DELETE", target })),
  );
  const { status } = await s3.send({ method: "HEAD", target });
  expect([200, 404]).toContain(status);
  const listed = readXmlTexts((await s3.send({ method: "GET", target: "/" })).text, "Name").includes("contended");
  expect(listed).toBe(status === 200);
});

test("CreateBucket: a body that is no CreateBucketConfiguration is refused and no bucket is made", async () => {
  const bodies = [
    "<CreateBucketConfiguration>",
    "no xml",
    "<Other/>",
    '<!DOCTYPE a [<!ENTITY e "x">]><CreateBucketConfiguration/>',
  ];
  for (const body of bodies) {
    const answer = await s3.send({ method: "PUT", target: "/no-bucket", body });
    expect([body, answer.status, answer.code]).toEqual([body, 400, "MalformedXML"]);
  }
  const location = await s3.send({ method: "PUT", target: "/no-bucket", body: locationDocument("not a region!") });
  expect([location.status, location.code]).toEqual([400, "InvalidLocationConstraint"]);
  expect((await s3.send({ method: "HEAD", target: "/no-bucket" })).status).toBe(404);
});

test("GetBucketLocation: names the constraint, and nothing for us-east-1; HeadBucket always names the region", async () => {
  await s3.createBucket("here");
  await s3.send({ method: "PUT", target: "/there", body: locationDocument("eu-central-1") });
  const here = await s3.send({ method: "GET", target: "/here?location" });
  expect(readXmlText(here.text, "LocationConstraint")).toBe("");
  const there = await s3.send({ method: "GET", target: "/there?location=" });
  expect(readXmlText(there.text, "LocationConstraint")).toBe("eu-central-1");
  expect((await s3.send({ method: "HEAD", target: "/here" })).headers["x-amz-bucket-region"]).toBe("us-east-1");
  expect((await s3.send({ method: "HEAD", target: "/there" })).headers["x-amz-bucket-region"]).toBe("eu-central-1");
});

test("DeleteBucket: one that holds an object is BucketNotEmpty and keeps it, open uploads go with the bucket", async () => {
  const bucket = await s3.createBucket("full");
  await bucket.put("a", "x");
  const refused = await bucket.sendToBucket({ method: "DELETE" });
  expect([refused.status, refused.code]).toEqual([409, "BucketNotEmpty"]);
  expect((await bucket.get("a")).text).toBe("x");
  await bucket.delete("a");
  await createUpload(bucket, "open");
  expect((await bucket.sendToBucket({ method: "DELETE" })).status).toBe(204);
  for (const answer of [
    await bucket.sendToBucket({ method: "DELETE" }),
    await bucket.put("a", "x"),
    await bucket.list(),
  ]) {
    expect([answer.status, answer.code]).toEqual([404, "NoSuchBucket"]);
  }
});

test("DeleteBucket: writes that race with it are either refused or keep the bucket alive", async () => {
  for (let round = 0; round < 5; round++) {
    const bucket = await s3.createBucket(`race-${round}`);
    const puts = Promise.all(Array.from({ length: 8 }, (_, index) => bucket.put(`k${index}`, "x")));
    const deleted = await bucket.sendToBucket({ method: "DELETE" });
    const stored = (await puts).filter(({ status }) => status === 200).length;
    if (deleted.status === 204) expect(stored).toBe(0);
    else expect((await bucket.list()).text.match(/<Key>/g)?.length ?? 0).toBe(stored);
  }
});

test("CreateBucket: a recreated bucket inherits nothing of its predecessor", async () => {
  const bucket = await s3.createBucket("reborn");
  await bucket.put("a", "x");
  const upload = await createUpload(bucket, "open");
  await bucket.delete("a");
  await bucket.sendToBucket({ method: "DELETE" });
  await s3.createBucket("reborn");
  expect((await bucket.list("versions")).text).not.toContain("<Version>");
  expect((await bucket.list("uploads")).text).not.toContain("<Upload>");
  expect((await upload.put(1, "x")).code).toBe("NoSuchUpload");
});

test("ListBuckets: by name, with prefix and pages; a page has a token exactly when more follow", async () => {
  const names = ["page-a", "page-b", "page-c", "page-d", "page-e"];
  for (const name of names) await s3.createBucket(name);
  for (let pageSize = 1; pageSize <= names.length + 1; pageSize++) {
    const seen: string[] = [];
    for (let token = ""; ; ) {
      const more = token === "" ? "" : `&continuation-token=${encodeURIComponent(token)}`;
      const page = await s3.send({ method: "GET", target: `/?prefix=page-&max-buckets=${pageSize}${more}` });
      const listed = readXmlElements(page.text, "Bucket").map((inner) => readXmlText(inner, "Name") ?? "");
      expect(listed.length).toBeLessThanOrEqual(pageSize);
      seen.push(...listed);
      token = readXmlText(page.text, "ContinuationToken") ?? "";
      if (token === "") break;
    }
    expect(seen).toEqual(names);
  }
  const all = await s3.send({ method: "GET", target: "/" });
  const listed = readXmlTexts(all.text, "Name");
  expect(listed).toEqual(listed.toSorted());
  expect(all.text).toContain("<Owner><ID>");
});

function locationDocument(region: string): string {
  return `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`;
}
