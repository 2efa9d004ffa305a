import { afterAll, beforeAll, expect, test } from "bun:test";
import { policyOf } from "../identities.ts";
import { startServer } from "../server-process.ts";
import { clientOf } from "./s3-client.ts";

const server = await startServer({ workers: 2 });
const admin = clientOf(server);
afterAll(async () => {
  admin.close();
  await server.remove();
});
let tenantId = "";
let assistant = { userId: "", accessKeyId: "", secretKey: "" };

async function call(method: string, path: string, ...[body, as]: [body?: object, as?: typeof assistant]) {
  const init = {
    method,
    headers: { "content-type": "application/json", "if-match": "*" },
    ...(body && { body: JSON.stringify(body) }),
  };
  const response = await server.adminFetch(`/api/v1/${path}`, init, as);
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : JSON.parse(text) };
}

/** Enters the tenant as the assistant, and gives a sender of S3 requests; codes of each worker's answers, each once. */
async function enter(reason = "Ticket 7: a file that cannot be read") {
  const { status, body } = await call("POST", `tenants/${tenantId}/enter`, { reason }, assistant);
  expect(status).toBe(201);
  const { sessionToken, ...credentials } = body;
  const send = (method: string, target: string, text?: string) =>
    admin.send({
      ...{ method, target, credentials, headers: { "x-amz-security-token": sessionToken } },
      ...(text !== undefined && { body: text }),
    });
  const codes = async (method: string, target: string) => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => send(method, target)));
    return [...new Set(answers.map(({ status: found, code }) => `${found} ${code}`.trim()))];
  };
  return { ...body, send, codes };
}

beforeAll(async () => {
  ({ tenantId } = (await call("POST", "tenants", { slug: "acme" })).body);
  const owner = (await call("POST", `tenants/${tenantId}/users`, { name: "owner" })).body;
  await call("PUT", `tenants/${tenantId}/users/${owner.userId}/policies/readwrite`, {});
  const key = (await call("POST", `tenants/${tenantId}/access-keys`, { userName: "owner" })).body;
  const send = (request: object) => admin.send({ method: "PUT", target: "/acme-files", credentials: key, ...request });
  expect((await send({})).status).toBe(200);
  expect((await send({ target: "/acme-files/a", body: "secret" })).status).toBe(200);
  const { userId } = (await call("POST", "users", { name: "assistant" })).body;
  await call("PUT", `users/${userId}/policies/consoleAdmin`, {});
  await call("PUT", `users/${userId}/global`, { global: true });
  assistant = { ...(await call("POST", "access-keys", { userName: "assistant" })).body, userId };
}, 30_000);

test("entering: no global administrator reads a tenant's objects; who enters does, for an hour, told in both trails", async () => {
  const direct = await admin.send({ method: "GET", target: "/acme-files/a", credentials: assistant });
  expect([direct.status, direct.code]).toEqual([403, "AccessDenied"]);
  expect((await call("POST", `tenants/${tenantId}/enter`, {}, assistant)).status).toBe(400);
  expect((await call("POST", `tenants/${tenantId}/enter`, { reason: "" }, assistant)).status).toBe(400);
  const { send, ...entered } = await enter();
  expect(entered).toMatchObject({
    readOnly: false,
    arn: expect.stringMatching(/:assumed-role\/tenant-entry\/assistant$/),
  });
  const lifeMs = Date.parse(entered.expiresAt) - Date.now();
  expect(lifeMs > 3_500_000 && lifeMs <= 3_600_000).toBe(true);
  expect((await send("GET", "/acme-files/a")).text).toBe("secret");
  expect((await send("PUT", "/acme-files/b", "more")).status).toBe(200);
  for (const chain of [tenantId, assistant.userId]) {
    const query = chain === tenantId ? `tenant=${tenantId}` : `actorId=${chain}`;
    const { items } = (await call("GET", `audit/events?action=maxiofs:EnterTenant&${query}`)).body;
    expect(items[0]).toMatchObject({
      actor: { id: assistant.userId, name: "assistant" },
      resource: { kind: "tenant", id: tenantId, name: "acme" },
      change: {
        session: { after: { accessKeyId: entered.accessKeyId, reason: "Ticket 7: a file that cannot be read" } },
      },
    });
    expect(JSON.stringify(items)).not.toContain(entered.secretKey);
  }
  const own = (await call("GET", "tenants?q=default")).body.items[0].tenantId;
  expect((await call("GET", `audit/events?action=maxiofs:EnterTenant&tenant=${own}`)).body.items).toHaveLength(1);
  expect((await call("POST", `tenants/${own}/enter`, { reason: "x" }, assistant)).status).toBe(409);
});

test("entering: security.tenant_entry bounds it to reading, or forbids it", async () => {
  await call("PATCH", "settings", { "security.tenant_entry": "read_only" });
  const { readOnly, codes, send } = await enter();
  expect(readOnly).toBe(true);
  expect(await codes("GET", "/acme-files/a")).toEqual(["200"]);
  expect((await send("PUT", "/acme-files/c", "x")).code).toBe("AccessDenied");
  expect((await send("DELETE", "/acme-files/a")).code).toBe("AccessDenied");
  await call("PATCH", "settings", { "security.tenant_entry": "off" });
  const refused = await call("POST", `tenants/${tenantId}/enter`, { reason: "x" }, assistant);
  expect([refused.status, refused.body.detail]).toEqual([403, "security.tenant_entry is off"]);
  await call("PATCH", "settings", { "security.tenant_entry": null });
});

test("entering: ends for every worker when its user or the tenant is suspended, or he is no global administrator any more", async () => {
  const first = await enter();
  await call("POST", `users/${assistant.userId}/suspend`, {});
  expect(await first.codes("GET", "/acme-files/a")).toEqual(["403 AccountProblem"]);
  await call("POST", `users/${assistant.userId}/resume`, {});
  const second = await enter();
  expect(await second.codes("GET", "/acme-files/a")).toEqual(["200"]);
  await call("PUT", `users/${assistant.userId}/global`, { global: false });
  expect(await second.codes("GET", "/acme-files/a")).toEqual(["400 ExpiredToken"]);
  expect((await call("POST", `tenants/${tenantId}/enter`, { reason: "x" }, assistant)).status).toBe(401);
  await call("PUT", `users/${assistant.userId}/global`, { global: true });
  expect(await second.codes("GET", "/acme-files/a")).toEqual(["400 ExpiredToken"]);
  const third = await enter();
  await call("POST", `tenants/${tenantId}/suspend`, {});
  expect(await third.codes("GET", "/acme-files/a")).toEqual(["403 AccountProblem"]);
  expect((await call("POST", `tenants/${tenantId}/enter`, { reason: "x" }, assistant)).status).toBe(409);
  await call("POST", `tenants/${tenantId}/resume`, {});
});

test("entering: ends with the access key that it was got with, and what its user is denied is denied there as well", async () => {
  const full = assistant;
  assistant = { ...(await call("POST", "access-keys", { userName: "assistant" })).body, userId: full.userId };
  const { codes } = await enter();
  expect(await codes("GET", "/acme-files/a")).toEqual(["200"]);
  await call("DELETE", `access-keys/${assistant.accessKeyId}`);
  expect(await codes("GET", "/acme-files/a")).toEqual(["400 ExpiredToken"]);
  assistant = full;
  const other = await enter();
  const document = JSON.stringify({
    Version: "2012-10-17",
    Statement: { Effect: "Deny", Action: "s3:GetObject", Resource: "*" },
  });
  const path = `users/${assistant.userId}/inline-policies/no-reading`;
  expect((await call("PUT", path, { document })).status).toBe(204);
  expect(await other.codes("GET", "/acme-files/a")).toEqual(["403 AccessDenied"]);
  expect((await other.send("PUT", "/acme-files/d", "x")).status).toBe(200);
  await call("DELETE", path);
  expect(await other.codes("GET", "/acme-files/a")).toEqual(["200"]);
});

test("entering: boundary and policies of the credential narrow it", async () => {
  const policy = policyOf([
    { actions: ["maxiofs:EnterTenant"], resources: ["*"] },
    { actions: ["s3:GetObject"], resources: ["*"] },
  ]);
  const full = assistant;
  assistant = { ...(await call("POST", "access-keys", { userName: "assistant", policy })).body, userId: full.userId };
  const { codes, send } = await enter();
  expect(await codes("GET", "/acme-files/a")).toEqual(["200"]);
  expect((await send("PUT", "/acme-files/c", "x")).code).toBe("AccessDenied");
  assistant = full;
});
