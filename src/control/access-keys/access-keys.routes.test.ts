import { afterEach, expect, test } from "bun:test";
import { policyOf } from "#testing/identities.ts";
import { closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";

afterEach(closeControls);
const administrator = testAdministrator;
const policy = policyOf([{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::a/*"] }]);

test("accessKeyRoutes: make, list, change, delete", async () => {
  const { control, fetch } = await startControl();
  const made = await fetch("/api/v1/access-keys", {
    method: "POST",
    body: JSON.stringify({ userName: "alice", policy }),
    as: administrator,
  });
  const key = await made.json();
  expect(made.status).toBe(201);
  expect(made.headers.get("location")).toBe(`/api/v1/access-keys/${key.accessKeyId}`);
  expect(key).toMatchObject({ narrowing: [policy], enabled: true });
  expect(key.secretKey).toHaveLength(40);
  const path = `/api/v1/access-keys/${key.accessKeyId}`;
  const listed = await (await fetch("/api/v1/access-keys?limit=1", { as: administrator })).json();
  expect(listed.items).toHaveLength(1);
  expect(JSON.stringify(listed)).not.toContain("secretKey");
  const next = await (await fetch(`/api/v1/access-keys?cursor=${listed.nextCursor}`, { as: administrator })).json();
  expect(next).toMatchObject({ items: [{}], nextCursor: null });
  const changed = await fetch(path, { method: "PATCH", body: '{"enabled":false}', as: administrator });
  expect(await changed.json()).toMatchObject({ enabled: false });
  expect(control.publisher.keys.get(key.accessKeyId)).toMatchObject({
    enabled: false,
    secretKey: key.secretKey,
  });
  expect((await fetch(path, { method: "DELETE", as: administrator })).status).toBe(204);
  expect((await fetch(path, { method: "DELETE", as: administrator })).status).toBe(404);
  expect(control.publisher.keys.size).toBe(1);
});

test("accessKeyRoutes: given credentials, taken ids, the last administrator", async () => {
  const { fetch } = await startControl();
  const body = JSON.stringify({
    userName: "import",
    credentials: { accessKeyId: "minio", secretKey: "0123456789abcdef" },
  });
  expect((await fetch("/api/v1/access-keys", { method: "POST", body, as: administrator })).status).toBe(201);
  expect((await fetch("/api/v1/access-keys", { method: "POST", body, as: administrator })).status).toBe(409);
  const own = `/api/v1/access-keys/${administrator.accessKeyId}`;
  expect((await fetch(own, { method: "DELETE", as: administrator })).status).toBe(409);
  expect((await fetch(own, { method: "PATCH", body: '{"enabled":false}', as: administrator })).status).toBe(409);
});

test("accessKeyRoutes: bad bodies name the part and store nothing", async () => {
  const { control, fetch } = await startControl();
  const bodies = [
    "{",
    "[]",
    "null",
    '{"userName":""}',
    '{"userName":"a b"}',
    '{"userName":"a","extra":1}',
    '{"userName":"a","policy":""}',
    '{"userName":"a","policy":"{}"}',
    JSON.stringify({ userName: "a", policy: policy.replace("Allow", "Perhaps") }),
    '{"userName":"a","credentials":{"accessKeyId":"abc","secretKey":"short"}}',
    `{"userName":"${"a".repeat(65)}"}`,
  ];
  for (const body of bodies) {
    const response = await fetch("/api/v1/access-keys", { method: "POST", body, as: administrator });
    expect([body, response.status]).toEqual([body, 400]);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ code: "InvalidRequest", status: 400, title: "Invalid Request" });
  }
  const headers = { "content-type": "text/plain" };
  const plain = await fetch("/api/v1/access-keys", {
    method: "POST",
    body: '{"userName":"a"}',
    headers,
    as: administrator,
  });
  expect(plain.status).toBe(415);
  const large = await fetch("/api/v1/access-keys", {
    method: "POST",
    body: `"${"a".repeat(2 ** 21)}"`,
    as: administrator,
  });
  expect(large.status).toBe(413);
  expect(control.publisher.keys.size).toBe(1);
});
