import { afterEach, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { unavailableSettings } from "#kernel/settings/settings.ts";
import { closeControl, closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";

afterEach(closeControls);
const path = "/api/v1/settings";
const token = "a-secret-token-of-metrics";

async function open(change: Parameters<typeof startControl>[0] = {}) {
  const opened = await startControl(change);
  const get = (rest = "") => opened.fetch(`${path}${rest}`, { as: testAdministrator });
  const patch = (body: unknown, ifMatch: string | null = "*") =>
    opened.fetch(path, {
      method: "PATCH",
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: ifMatch === null ? {} : { "if-match": ifMatch },
      as: testAdministrator,
    });
  const read = async (key: string) => await (await get(`/${key}`)).json();
  return { ...opened, get, patch, read };
}

test("settingsRoutes: all, by category, categories, one", async () => {
  const { get, read } = await open();
  const all = await get();
  expect([all.status, all.headers.get("etag")]).toEqual([200, '"1"']);
  const { items } = await all.json();
  expect(items.map(({ key }: { key: string }) => key)).toContain("s3.region");
  for (const { key } of items) expect([key, unavailableSettings.has(key)]).toEqual([key, false]);
  const logging = (await (await get("?category=logging")).json()).items;
  expect(logging.map(({ key }: { key: string }) => key)).toEqual([
    ...["logging.format", "logging.level", "logging.include_caller", "logging.access_enabled"],
    ...["enabled", "protocol", "host", "port", "tag"].map((name) => `logging.syslog_${name}`),
    ...["enabled", "url", "auth_token", "batch_size", "flush_interval"].map((name) => `logging.http_${name}`),
  ]);
  const categories = (await (await get("/categories")).json()).items;
  expect(categories).toContainEqual({ name: "logging", count: 14 });
  expect(await read("history.window")).toEqual({
    key: "history.window",
    category: "history",
    description: expect.any(String),
    type: "integer",
    allowed: "a whole number of seconds from 3600 to 2592000",
    unit: "seconds",
    min: 3600,
    max: 2_592_000,
    secret: false,
    default: 3600,
    value: 3600,
    source: "default",
  });
  for (const key of ["nothing", "constructor", "security.block_public_access"]) {
    expect([key, (await get(`/${key}`)).status]).toEqual([key, 404]);
  }
});

test("settingsRoutes: nobody without credentials reads or changes", async () => {
  const { fetch } = await open();
  for (const init of [{}, { method: "PATCH", body: "{}", headers: { "if-match": "*" } }]) {
    expect((await fetch(path, init)).status).toBe(401);
  }
});

test("settingsRoutes: a change is in force at once, null puts the default back, a restart keeps it", async () => {
  const { control, dataDir, patch, read } = await open();
  const seen: unknown[] = [];
  control.settings.follow((settings) => seen.push(settings["s3.region"]));
  const changed = await patch({ "s3.region": "eu-1", "server.s3_domains": ["a.example", "b.example"] }, '"1"');
  expect([changed.status, changed.headers.get("etag")]).toEqual([200, '"2"']);
  expect(control.publisher.settings["s3.region"]).toBe("eu-1");
  expect(seen).toEqual(["us-east-1", "eu-1"]);
  expect(await read("server.s3_domains")).toMatchObject({ value: ["a.example", "b.example"], source: "stored" });
  await closeControl(control);
  const again = await open({ dataDir });
  expect(await again.read("s3.region")).toMatchObject({ value: "eu-1", source: "stored" });
  expect((await again.patch({ "s3.region": null }, '"2"')).headers.get("etag")).toBe('"3"');
  expect(await again.read("s3.region")).toMatchObject({ value: "us-east-1", source: "default" });
});

test("settingsRoutes: If-Match is wanted, and the revision that was read", async () => {
  const { patch, read } = await open();
  const body = { "s3.region": "eu-1" };
  expect((await patch(body, null)).status).toBe(428);
  for (const wrong of ['"2"', '"0"', "1", 'W/"1"', '"1", "2"', ""]) {
    const { status } = await patch(body, wrong);
    expect([wrong, status]).toEqual([wrong, 412]);
  }
  expect((await patch(body, '"1"')).status).toBe(200);
  expect((await patch({ "s3.region": "eu-2" }, '"1"')).status).toBe(412);
  expect((await patch(body, '"2"')).headers.get("etag")).toBe('"2"');
  expect(await read("s3.region")).toMatchObject({ value: "eu-1" });
});

test("settingsRoutes: of two changes at once from one reading one wins", async () => {
  const { patch } = await open();
  const answers = await Promise.all(["eu-1", "eu-2", "eu-3"].map((region) => patch({ "s3.region": region }, '"1"')));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 412, 412]);
});

test("settingsRoutes: one wrong value and nothing is changed; every wrong one is named, none is shown", async () => {
  const { control, patch } = await open({ settings: { "s3.strict_region": true } });
  const body = {
    "s3.region": "eu-1",
    "history.window": 3599,
    "logging.level": "loud",
    "metrics.token": token.slice(0, 15),
    "security.block_public_access": true,
    "s3.strict_region": false,
    "s3.regoin": "x",
    "a/b~c": 1,
  };
  const answer = await patch(body);
  expect(answer.status).toBe(400);
  const text = await answer.text();
  expect(text).not.toContain(token.slice(0, 15));
  expect(JSON.parse(text).errors).toEqual([
    { pointer: "/history.window", message: expect.stringContaining("from 3600 to 2592000, as JSON number") },
    { pointer: "/logging.level", message: expect.stringContaining("one of debug, info, warn, error") },
    { pointer: "/metrics.token", message: expect.stringContaining("16 to 512") },
    { pointer: "/security.block_public_access", message: "not available yet" },
    { pointer: "/s3.strict_region", message: expect.stringContaining("given at start") },
    { pointer: "/s3.regoin", message: "there is no such setting; did you mean s3.region?" },
    { pointer: "/a~1b~0c", message: "there is no such setting" },
  ]);
  expect(control.settings.revision).toBe(1);
  expect(control.publisher.settings["s3.region"]).toBe("us-east-1");
  for (const wrong of ["{}", "[]", "null", "1", "{", JSON.stringify({ "metrics.token": "***" })]) {
    expect([wrong, (await patch(wrong)).status]).toEqual([wrong, 400]);
  }
  const many = Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`a.${index}`, 1]));
  expect((await patch(many)).status).toBe(400);
});

test("settingsRoutes: a secret is masked, sealed, and in no event or log line", async () => {
  const { control, dataDir, lines, get, patch, read, fetch } = await open();
  expect(await read("metrics.token")).toMatchObject({ value: "", secret: true });
  await patch({ "metrics.token": token, "logging.level": "debug" });
  expect(await read("metrics.token")).toMatchObject({ value: "***", source: "stored" });
  expect(await (await get()).text()).not.toContain(token);
  const scrape = (bearer: string) =>
    fetch("/metrics", { headers: { authorization: `Bearer ${bearer}`, "x-forwarded-for": "192.0.2.1" } });
  expect([(await scrape(token)).status, (await scrape(`${token}x`)).status]).toEqual([200, 401]);
  await closeControl(control);
  const bytes = readdirSync(dataDir).map((name) => readFileSync(join(dataDir, name), "latin1"));
  for (const text of [bytes.join(), lines.join()]) expect(text).not.toContain(token);
  const again = await open({ dataDir });
  expect(again.control.settings.current["metrics.token"]).toBe(token);
  await again.patch({ "metrics.token": null });
  expect(again.control.settings.current["metrics.token"]).toBe("");
});

test("settingsRoutes: a change that cannot be stored is in force nowhere", async () => {
  const { control, dataDir, patch, read } = await open();
  const { Database } = await import("bun:sqlite");
  const raw = new Database(join(dataDir, "control.db"));
  raw.run("ALTER TABLE audit_events RENAME TO away");
  expect((await patch({ "s3.region": "eu-1" })).status).toBe(500);
  raw.run("ALTER TABLE away RENAME TO audit_events");
  raw.close();
  expect(control.settings.revision).toBe(1);
  expect(await read("s3.region")).toMatchObject({ value: "us-east-1" });
  expect((await patch({ "s3.region": "eu-1" }, '"1"')).status).toBe(200);
});

test("metricsRoutes: metrics.enabled and metrics.allow_from hold from the next scrape on", async () => {
  const { fetch, patch } = await open();
  const scrape = async () => (await fetch("/metrics")).status;
  expect(await scrape()).toBe(200);
  await patch({ "metrics.allow_from": ["203.0.113.0/24"] });
  expect(await scrape()).toBe(403);
  await patch({ "metrics.allow_from": ["127.0.0.1"] });
  expect(await scrape()).toBe(200);
  await patch({ "metrics.enabled": false });
  expect(await scrape()).toBe(404);
});
