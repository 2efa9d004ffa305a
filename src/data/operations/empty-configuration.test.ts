import { afterAll, expect, test } from "bun:test";
import { readXmlText, readXmlTexts } from "#testing/acceptance/xml-text.ts";
import { startPoolServer } from "#testing/pool-server.ts";

const server = await startPoolServer({ buckets: { plain: "never", versioned: "enabled", suspended: "suspended" } });
const bucket = server.bucket("plain");
await bucket.put("key", "x", { "x-amz-tagging": "b=2&a=%C3%A9" });
await bucket.put("untagged", "x");
afterAll(() => server.remove());

test("reads of what was never configured: 200 with what is in force, or the very code clients know", async () => {
  const expected: readonly (readonly [query: string, answer: string])[] = [
    ["accelerate", "<AccelerateConfiguration "],
    ["analytics", "<ListBucketAnalyticsConfigurationResult "],
    ["analytics&id=1", "NoSuchConfiguration"],
    ["cors", "NoSuchCORSConfiguration"],
    ["encryption", "<SSEAlgorithm>AES256</SSEAlgorithm>"],
    ["intelligent-tiering", "<ListBucketIntelligentTieringConfigurationsOutput "],
    ["intelligent-tiering&id=1", "NoSuchConfiguration"],
    ["inventory", "<ListInventoryConfigurationsResult "],
    ["inventory&id=1", "NoSuchConfiguration"],
    ["lifecycle", "NoSuchLifecycleConfiguration"],
    ["logging", "<BucketLoggingStatus "],
    ["metrics", "<ListMetricsConfigurationsResult "],
    ["metrics&id=1", "NoSuchConfiguration"],
    ["notification", "<NotificationConfiguration "],
    ["object-lock", "ObjectLockConfigurationNotFoundError"],
    ["ownershipControls", "<ObjectOwnership>BucketOwnerEnforced</ObjectOwnership>"],
    ["policy", "NoSuchBucketPolicy"],
    ["policyStatus", "<IsPublic>false</IsPublic>"],
    ["publicAccessBlock", "<RestrictPublicBuckets>true</RestrictPublicBuckets>"],
    ["replication", "ReplicationConfigurationNotFoundError"],
    ["requestPayment", "<Payer>BucketOwner</Payer>"],
    ["tagging", "NoSuchTagSet"],
    ["website", "NoSuchWebsiteConfiguration"],
  ];
  for (const [query, answer] of expected) {
    const { status, code, text } = await bucket.list(query);
    if (answer.startsWith("<")) expect([query, status, text.includes(answer)]).toEqual([query, 200, true]);
    else expect([query, status, code]).toEqual([query, 404, answer]);
  }
});

test("writes of configurations that do not exist yet are 501, never ignored", async () => {
  for (const query of [
    "cors",
    "lifecycle",
    "policy",
    "versioning",
    "website",
    "encryption",
    "notification",
    "tagging",
    "publicAccessBlock",
  ]) {
    const answer = await bucket.sendToBucket({ method: "PUT", query, body: "<x/>" });
    expect([query, answer.status, answer.code]).toEqual([query, 501, "NotImplemented"]);
  }
});

test("getBucketVersioning: empty for a bucket that was never versioned, else its state", async () => {
  const states = [];
  for (const name of ["plain", "versioned", "suspended"])
    states.push(readXmlText((await server.bucket(name).list("versioning")).text, "Status"));
  expect(states).toEqual([undefined, "Enabled", "Suspended"]);
});

test("getObjectTagging: the tags in their order; an empty set without tags; as the object's errors", async () => {
  const { text } = await bucket.get("key", {}, "tagging");
  expect([readXmlTexts(text, "Key"), readXmlTexts(text, "Value")]).toEqual([
    ["b", "a"],
    ["2", "\u00e9"],
  ]);
  expect((await bucket.get("untagged", {}, "tagging")).text).toContain("<TagSet></TagSet>");
  expect((await bucket.get("absent", {}, "tagging")).code).toBe("NoSuchKey");
  const versioned = server.bucket("versioned");
  const { headers } = await versioned.put("key", "x", { "x-amz-tagging": "v=1" });
  expect((await versioned.get("key", {}, "tagging")).headers["x-amz-version-id"]).toBe(
    headers["x-amz-version-id"] ?? "",
  );
  await versioned.delete("key");
  expect((await versioned.get("key", {}, "tagging")).code).toBe("NoSuchKey");
  expect(
    readXmlTexts((await versioned.get("key", {}, `tagging&versionId=${headers["x-amz-version-id"]}`)).text, "Key"),
  ).toEqual(["v"]);
});

test("getObjectRetention, getObjectLegalHold: nothing is locked; an absent object is NoSuchKey", async () => {
  for (const query of ["retention", "legal-hold"]) {
    const answers = [await bucket.get("key", {}, query), await bucket.get("absent", {}, query)];
    expect(answers.map(({ status, code }) => [status, code])).toEqual([
      [400, "InvalidRequest"],
      [404, "NoSuchKey"],
    ]);
  }
});

test("ACLs: reads give full control to the owner, and what was read can be written back", async () => {
  for (const key of [undefined, "key"]) {
    const send = (method: string, body = "", headers = {}) =>
      server.s3.send({ method, target: bucket.target(key, "acl"), body, headers });
    const read = await send("GET");
    expect([read.status, readXmlTexts(read.text, "Permission"), readXmlTexts(read.text, "ID")]).toEqual([
      200,
      ["FULL_CONTROL"],
      ["c".repeat(64), "c".repeat(64)],
    ]);
    expect((await send("PUT", read.text)).status).toBe(200);
    for (const canned of ["private", "bucket-owner-full-control"])
      expect((await send("PUT", "", { "x-amz-acl": canned })).status).toBe(200);
    const refused = [
      await send("PUT", "", { "x-amz-acl": "public-read" }),
      await send("PUT", "", { "x-amz-grant-read": "id=x" }),
      await send("PUT", read.text.replace("FULL_CONTROL", "READ")),
      await send("PUT", read.text.replaceAll("c".repeat(64), "d".repeat(64))),
      await send(
        "PUT",
        read.text.replace(
          "</Grant>",
          "</Grant><Grant><Grantee><URI>all</URI></Grantee><Permission>READ</Permission></Grant>",
        ),
      ),
      await send("PUT"),
      await send("PUT", read.text, { "x-amz-acl": "private" }),
      await send("PUT", "<x/>"),
    ];
    expect(refused.map(({ code }) => code)).toEqual([
      ...Array.from({ length: 5 }, () => "AccessControlListNotSupported"),
      "MissingSecurityHeader",
      "UnexpectedContent",
      "MalformedXML",
    ]);
  }
  expect((await bucket.get("absent", {}, "acl")).code).toBe("NoSuchKey");
});

test("preflight: no rules anywhere: AccessForbidden, without Origin BadRequest; no authentication, no bucket needed", async () => {
  const send = (target: string, headers = {}) =>
    server.s3.send({ method: "OPTIONS", target, headers, credentials: null });
  const origin = { origin: "https://example.org", "access-control-request-method": "PUT" };
  for (const target of [
    "/plain",
    "/plain/key",
    "/none/key",
    "/plain/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0",
  ]) {
    const answer = await send(target, origin);
    expect([
      target,
      answer.status,
      answer.code,
      readXmlText(answer.text, "Method"),
      readXmlText(answer.text, "ResourceType"),
    ]).toEqual([target, 403, "AccessForbidden", "PUT", "BUCKET"]);
    expect([(await send(target)).status, (await send(target)).code]).toEqual([400, "BadRequest"]);
  }
});
