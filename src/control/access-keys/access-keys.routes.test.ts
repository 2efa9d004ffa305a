import { afterEach, expect, test } from "bun:test";
import { policyOf } from "#testing/identities.ts";
import { closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";

afterEach(closeControls);
const path = "/api/v1/access-keys";
const policy = policyOf([{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::a/*"] }]);

async function open() {
  const opened = await startControl();
  const send = async (method: string, to: string, body?: object | string) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const headers = { "if-match": "*" };
    const response = await opened.fetch(to, {
      ...{ method, headers, as: testAdministrator },
      ...(body !== undefined && { body: text }),
    });
    const answer = await response.text();
    return { status: response.status, headers: response.headers, body: answer === "" ? {} : JSON.parse(answer) };
  };
  await send("POST", "/api/v1/users", { name: "alice" });
  return { ...opened, send };
}

test("accessKeyRoutes: make, list, read, change, delete", async () => {
  const { control, send } = await open();
  const { publisher } = control;
  const { status, headers, body: key } = await send("POST", path, { userName: "alice", policy, description: "backup" });
  expect([status, headers.get("location"), headers.get("cache-control")]).toEqual([
    201,
    `${path}/${key.accessKeyId}`,
    "no-store",
  ]);
  expect(key).toMatchObject({ userName: "alice", policy, enabled: true, description: "backup", expiresAt: null });
  expect(key.secretKey).toHaveLength(40);
  const listed = await send("GET", `${path}?limit=1`);
  expect(listed.body.items).toHaveLength(1);
  const next = await send("GET", `${path}?cursor=${listed.body.nextCursor}`);
  expect(next.body).toMatchObject({ items: [{}], nextCursor: null });
  const ofUser = await send("GET", `${path}?userId=${key.userId}`);
  expect(ofUser.body.items).toMatchObject([{ accessKeyId: key.accessKeyId }]);
  for (const { body } of [listed, next, ofUser, await send("GET", `${path}/${key.accessKeyId}`)])
    expect(JSON.stringify(body)).not.toContain("secretKey");
  const expiresAt = "2031-02-03T04:05:06.000Z";
  const changed = await send("PATCH", `${path}/${key.accessKeyId}`, { enabled: false, policy: null, expiresAt });
  expect(changed.body).toMatchObject({ enabled: false, policy: null, expiresAt, revision: 2 });
  const entry = { enabled: false, narrowing: [], secretKey: key.secretKey, expiresAtMs: Date.parse(expiresAt) };
  expect(publisher.keys.get(key.accessKeyId)).toMatchObject(entry);
  expect((await send("DELETE", `${path}/${key.accessKeyId}`)).status).toBe(204);
  expect((await send("DELETE", `${path}/${key.accessKeyId}`)).status).toBe(404);
  expect(publisher.keys.size).toBe(1);
});

test("accessKeyRoutes: given credentials, taken ids, twenty keys of a user", async () => {
  const { send } = await open();
  const credentials = { accessKeyId: "minio", secretKey: "0123456789abcdef" };
  expect((await send("POST", path, { userName: "alice", credentials })).status).toBe(201);
  expect((await send("POST", path, { userName: "alice", credentials })).status).toBe(409);
  for (const prefix of ["ASIA", "AIDA", "AROA", "AGPA", "ANPA"]) {
    const reserved = { ...credentials, accessKeyId: `${prefix}0123456789ABCDEF` };
    expect((await send("POST", path, { userName: "alice", credentials: reserved })).status).toBe(400);
  }
  for (let count = 1; count < 20; count++) expect((await send("POST", path, { userName: "alice" })).status).toBe(201);
  expect((await send("POST", path, { userName: "alice" })).status).toBe(409);
});

test("accessKeyRoutes: a change needs the revision that was read", async () => {
  const { send, fetch } = await open();
  const { body: key } = await send("POST", path, { userName: "alice" });
  const change = (headers: Record<string, string>) =>
    fetch(`${path}/${key.accessKeyId}`, { method: "PATCH", body: "{}", headers, as: testAdministrator });
  expect((await change({})).status).toBe(428);
  expect((await change({ "if-match": '"1"' })).status).toBe(200);
  expect((await change({ "if-match": '"1"' })).status).toBe(412);
});

test("accessKeyRoutes: bad bodies name the part and store nothing", async () => {
  const { control, send, fetch } = await open();
  const bodies = [
    ...["{", "[]", "null", '{"userName":""}', '{"userName":"a b"}', '{"userName":"alice","extra":1}'],
    ...['{"userName":"nobody"}', '{"userName":"alice","policy":""}', '{"userName":"alice","policy":"{}"}'],
    JSON.stringify({ userName: "alice", policy: policy.replace("Allow", "Perhaps") }),
    ...['{"userName":"alice","expiresAt":"tomorrow"}', '{"userName":"alice","limits":{"requestsPerSecond":-1}}'],
    '{"userName":"alice","credentials":{"accessKeyId":"abc","secretKey":"short"}}',
    `{"userName":"${"a".repeat(65)}"}`,
  ];
  for (const text of bodies) {
    const { status, headers, body } = await send("POST", path, text);
    expect([text, status]).toEqual([text, 400]);
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(body).toMatchObject({ code: "InvalidRequest", status: 400, title: "Invalid Request" });
  }
  const malformed = await send("POST", path, { userName: "alice", policy: policy.replace("Allow", "Perhaps") });
  expect(malformed.body.errors[0].pointer).toStartWith("/document/Statement");
  const headers = { "content-type": "text/plain" };
  const plain = await fetch(path, { method: "POST", body: '{"userName":"alice"}', headers, as: testAdministrator });
  expect(plain.status).toBe(415);
  expect((await send("POST", path, `"${"a".repeat(2 ** 21)}"`)).status).toBe(413);
  expect(control.publisher.keys.size).toBe(1);
});

test.each([
  '"2031-02-03T04:05:06Z"',
  " 2031-02-03T04:05:06Z",
  "2031-02-03T04:05:06Z ",
  "2031-02-30T04:05:06Z?",
  "2031-13-03T04:05:06Z",
  "",
])("accessKeyRoutes: the end %j is no moment: a key that should end never stays for ever", async (expiresAt) => {
  const { send } = await open();
  expect((await send("POST", path, { userName: "alice", expiresAt })).status).toBe(400);
  const ending = { userName: "alice", expiresAt: "2031-02-03T04:05:06Z" };
  const { accessKeyId } = (await send("POST", path, ending)).body;
  expect((await send("PATCH", `${path}/${accessKeyId}`, { expiresAt })).status).toBe(400);
  expect((await send("GET", `${path}/${accessKeyId}`)).body.expiresAt).toBe("2031-02-03T04:05:06.000Z");
});

test("AccessKeys.update: changes at the same time keep each other's parts", async () => {
  const { send, control } = await open();
  const { accessKeyId, tenantId } = (await send("POST", path, { userName: "alice" })).body;
  const { accessKeys } = control.identities;
  const { userId } = await control.identities.users.find(tenantId, "admin");
  const caller = {
    ...{
      userId,
      userName: "admin",
      tenantId,
      global: true,
      narrowing: [],
      mfa: false,
      freshProof: true,
      secure: false,
    },
    via: "basic" as const,
    ...{ address: "", agent: "", requestId: "" },
  };
  await Promise.all([
    accessKeys.update({ caller, tenantId, editsAllKeys: true }, accessKeyId, { enabled: false }),
    accessKeys.update({ caller, tenantId, editsAllKeys: true }, accessKeyId, { description: "nightly" }),
  ]);
  expect(await accessKeys.get(tenantId, accessKeyId)).toMatchObject({ enabled: false, description: "nightly" });
});

test("AccessKeys.list: a key that workers are still told of ends no list", async () => {
  const { send, control } = await open();
  const { accessKeyId, tenantId } = (await send("POST", path, { userName: "alice" })).body;
  await send("POST", path, { userName: "alice" });
  await send("POST", path, { userName: "alice" });
  const value = control.publisher.keys.get(accessKeyId);
  await control.publisher.publish([{ kind: "key", id: accessKeyId, value: null }]);
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page = await control.identities.accessKeys.list(tenantId, {
      limit: 1,
      cursor,
      userId: "",
      q: "",
      sort: undefined,
    });
    seen.push(...page.items.map((item) => item.accessKeyId));
    cursor = page.nextCursor;
  }
  expect([seen.length, seen.includes(accessKeyId)]).toEqual([3, false]);
  if (value) await control.publisher.publish([{ kind: "key", id: accessKeyId, value }]);
});
