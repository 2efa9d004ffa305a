import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { FakeClock } from "#testing/fake-clock.ts";
import { closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";

afterEach(closeControls);

async function open() {
  const clock = new FakeClock();
  const opened = await startControl({ clock });
  const send = async (name: string) => {
    const init = { method: "POST", body: JSON.stringify({ name }), as: testAdministrator };
    const response = await opened.fetch("/api/v1/users", init);
    return { status: response.status, text: await response.text() };
  };
  const health = async () => {
    clock.advance(2000);
    const response = await opened.fetch("/health/ready");
    const { status, checks } = (await response.json()) as {
      status: string;
      checks: { name: string; status: string }[];
    };
    return [response.status, status, checks.find(({ name }) => name === "audit")?.status];
  };
  /** Moves the ends of all chains, as a restore of one table would. */
  const moveEnds = (by: number) => {
    const database = new Database(join(opened.dataDir, "control.db"));
    database.run("UPDATE audit_chains SET seq = seq + ?", [by]);
    database.close();
  };
  const told = () => opened.lines.filter((line) => line.includes("The audit cannot go on") && line.includes('"error"'));
  return { ...opened, clock, send, health, moveEnds, told };
}

test("AuditTrail: a chain that ends before its last event stops changes with 503; health and log say so and what to do", async () => {
  const { send, health, moveEnds, told, control } = await open();
  for (const name of ["one", "two", "three"]) expect((await send(name)).status).toBe(201);
  expect(await health()).toEqual([200, "ok", "ok"]);
  moveEnds(-2);
  const refused = await send("four");
  expect([refused.status, refused.text]).toEqual([503, expect.stringContaining("The audit cannot be written")]);
  expect([...control.publisher.entries("user").values()].map(({ name }) => name)).not.toContain("four");
  expect(await health()).toEqual([200, "degraded", "degraded"]);
  expect((await send("five")).status).toBe(503);
  expect(told()).toHaveLength(1);
  for (const part of ["restored from one backup", "maxiofs audit verify", "has an event"])
    expect(told()[0]).toContain(part);
  moveEnds(2);
  expect(await health()).toEqual([200, "ok", "ok"]);
  expect((await send("six")).status).toBe(201);
});

test("AuditTrail.check: it is noticed within a minute, though nobody changes anything", async () => {
  const { send, health, moveEnds, told, clock } = await open();
  expect((await send("one")).status).toBe(201);
  expect(await health()).toEqual([200, "ok", "ok"]);
  moveEnds(-1);
  clock.advance(60_000);
  expect(await health()).toEqual([200, "degraded", "degraded"]);
  expect(told()).toHaveLength(1);
});
