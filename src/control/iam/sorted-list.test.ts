import { afterEach, expect, test } from "bun:test";
import { policyOf } from "#testing/identities.ts";
import { openConsole } from "#testing/opened-console.ts";
import { closeControls, testAdministrator } from "#testing/opened-control.ts";

afterEach(closeControls);
const document = policyOf([{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::a/*"] }]);
const names = ["mango", "Apple", "pear", "banana", "fig"];

interface Item {
  readonly [name: string]: unknown;
}

async function open() {
  const { clock, control, fetch } = await openConsole({ "security.ratelimit_enabled": false });
  const send = async (path: string, body?: object) => {
    const init = body && { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(`/api/v1/${path}`, { as: testAdministrator, ...init });
    return { status: response.status, body: (await response.json()) as Item & { items: Item[]; nextCursor: string } };
  };
  /** All items of a list, read in pages. */
  const walk = async (path: string, limit: number) => {
    const found: Item[] = [];
    for (let cursor = ""; ; ) {
      const page = await send(`${path}&limit=${limit}${cursor === "" ? "" : `&cursor=${cursor}`}`);
      expect([path, page.status]).toEqual([path, 200]);
      found.push(...page.body.items);
      if (page.body.nextCursor === null) return found;
      cursor = encodeURIComponent(page.body.nextCursor);
    }
  };
  return { clock, control, send, walk };
}

type Opened = Awaited<ReturnType<typeof open>>;

/** Makes things of every kind; two of them in the same millisecond. */
async function makeAll({ clock, send }: Opened): Promise<void> {
  const trust = { Effect: "Allow", Principal: { AWS: "*" }, Action: "sts:AssumeRole" };
  const trustPolicy = JSON.stringify({ Version: "2012-10-17", Statement: trust });
  for (const [index, name] of names.entries()) {
    if (index !== 3) clock.advance(1000);
    const bodies = { users: { name }, groups: { name }, roles: { name, trustPolicy }, policies: { name, document } };
    for (const [list, body] of Object.entries(bodies)) expect((await send(list, body)).status).toBe(201);
    expect((await send("tenants", { slug: name.toLowerCase() })).status).toBe(201);
    expect((await send("access-keys", { userName: name, description: `for ${name}` })).status).toBe(201);
  }
}

const ids = { users: "userId", groups: "groupId", roles: "roleId", policies: "policyId", tenants: "tenantId" };

test("lists: each order is kept over pages of every size, both ways, and nothing is left out", async () => {
  const opened = await open();
  await makeAll(opened);
  const lists = [...Object.entries(ids), ["access-keys", "accessKeyId"]] as const;
  for (const [list, id] of lists) {
    const nameOf = { tenants: "slug", "access-keys": "userName" }[list as string] ?? "name";
    const byName = list === "access-keys" ? "userName" : "name";
    const all = await opened.walk(`${list}?`, 1000);
    expect(all.length).toBeGreaterThanOrEqual(names.length);
    for (const [sort, field] of [
      [byName, nameOf],
      ["createdAt", "createdAt"],
    ] as const) {
      const keyOf = (item: Item) => `${String(item[field] ?? "").toLowerCase()} ${String(item[id])}`;
      // Built-in policies were made by nobody: their time is null, and comes first.
      const wanted = all.map(keyOf).toSorted((a, b) => (a < b ? -1 : 1));
      for (const limit of [1, 2, 3, 1000]) {
        const up = await opened.walk(`${list}?sort=${sort}`, limit);
        expect([list, sort, limit, up.map(keyOf)]).toEqual([list, sort, limit, wanted]);
      }
      const down = await opened.walk(`${list}?sort=-${sort}`, 2);
      expect([list, sort, down.map(keyOf)]).toEqual([list, sort, wanted.toReversed()]);
    }
    expect((await opened.send(`${list}?sort=colour`)).status).toBe(400);
  }
}, 20_000);

test("lists: a cursor is good for its own order alone", async () => {
  const opened = await open();
  await makeAll(opened);
  const { nextCursor } = (await opened.send("users?sort=name&limit=1")).body;
  expect((await opened.send(`users?sort=name&limit=1&cursor=${nextCursor}`)).status).toBe(200);
  for (const path of ["users?sort=-name", "users?sort=createdAt", "policies?sort=-name", "access-keys?sort=userName"])
    expect([path, (await opened.send(`${path}&cursor=${nextCursor}`)).status]).toEqual([path, 400]);
  for (const cursor of ["x", "W10", "eyJhIjoxfQ", "~"])
    expect([cursor, (await opened.send(`users?sort=name&cursor=${cursor}`)).status]).toEqual([cursor, 400]);
});

test("access-keys: `q` finds a part of the id, the description or the user's name, whatever the case", async () => {
  const opened = await open();
  await makeAll(opened);
  const find = async (q: string) =>
    (await opened.walk(`access-keys?sort=userName&q=${encodeURIComponent(q)}`, 2)).map(({ userName }) => userName);
  expect(await find("APPLE")).toEqual(["Apple"]);
  expect(await find("for ")).toEqual(["Apple", "banana", "fig", "mango", "pear"]);
  expect(await find("r_a")).toEqual([]);
  const [{ accessKeyId } = {}] = await opened.walk("access-keys?q=pear", 1);
  expect(await find(String(accessKeyId).slice(6).toLowerCase())).toEqual(["pear"]);
});
