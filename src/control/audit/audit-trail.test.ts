import { afterEach, expect, spyOn, test } from "bun:test";
import { systemRandom } from "#kernel/base/random.ts";
import { closeAudits, makeEvent, openAudit } from "#testing/opened-audit.ts";
import { AuditTrail } from "./audit-trail.ts";
import { findEvents, verifyChains } from "./read-audit.ts";

afterEach(closeAudits);
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const all = { chain: "", filter: {}, cursor: "", limit: 100 };

test("record: an event stands and falls with the transaction of its change", async () => {
  const { database, trail, record, verify } = await openAudit();
  await record(makeEvent({ action: "a:One" }));
  const failing = database.transaction(async (queries) => {
    await trail.record(queries, makeEvent({ action: "a:Undone" }));
    throw new Error("stop");
  });
  expect(failing).rejects.toThrow("stop");
  await record(makeEvent({ action: "a:Two" }));
  const { items } = await findEvents(database, all);
  expect(items.map(({ action, seq }) => [action, seq])).toEqual([
    ["a:Two", 2],
    ["a:One", 1],
  ]);
  expect(await verify()).toEqual([{ chain: "server", eventCount: 2, lastSeq: 2, signedSeq: 0 }]);
});

test("record: each tenant has its own chain, and the server another", async () => {
  const { database, record, verify } = await openAudit();
  for (const tenantId of ["t1", null, "t2", "t1"]) await record(makeEvent({ tenantId }));
  expect((await verify()).map(({ chain, lastSeq }) => [chain, lastSeq])).toEqual([
    ["server", 1],
    ["t1", 2],
    ["t2", 1],
  ]);
  const { items } = await findEvents(database, { ...all, chain: "t1" });
  expect(items.map(({ tenantId }) => tenantId)).toEqual(["t1", "t1"]);
});

test("record: what settings switch off is not recorded, but changes of settings are", async () => {
  const { settings, record, actions } = await openAudit();
  const vias = ["s3", "console", "token", "api", "commandLine", "system"] as const;
  const recordAll = async () => {
    for (const via of vias) await record(makeEvent({ via, action: `a:${via}` }));
  };
  settings["audit.log_s3_operations"] = false;
  await recordAll();
  settings["audit.log_s3_operations"] = true;
  settings["audit.log_console_operations"] = false;
  await recordAll();
  settings["audit.log_console_operations"] = true;
  settings["audit.enabled"] = false;
  await recordAll();
  await record(makeEvent({ action: "maxiofs:UpdateSettings" }));
  expect(await actions()).toEqual([
    ...["a:console", "a:token", "a:api", "a:commandLine", "a:system"],
    ...["a:s3", "a:commandLine", "a:system"],
    "maxiofs:UpdateSettings",
  ]);
});

test("record: texts that a client chose are cut", async () => {
  const { database, record, verify } = await openAudit();
  await record(makeEvent({ agent: "x".repeat(5000), change: { a: { after: "y".repeat(10_000) } } }));
  const [item] = (await findEvents(database, all)).items;
  expect(item?.agent).toHaveLength(4099);
  expect(JSON.stringify(item).length).toBeLessThan(10_000);
  expect((await verify())[0]?.problem).toBeUndefined();
});

test("flush: equal denials of a minute are one event with their number, others are not touched", async () => {
  const { database, clock, trail, record } = await openAudit();
  for (const requestId of ["1", "2", "3"]) {
    await record(makeEvent({ outcome: "denied", code: "AccessDenied", requestId }));
    clock.advance(1000);
  }
  await record(makeEvent({ outcome: "denied", code: "AccessDenied", address: "192.0.2.9" }));
  expect((await findEvents(database, all)).items).toEqual([]);
  await trail.flush();
  await trail.flush();
  const { items } = await findEvents(database, all);
  expect(items.map(({ count, requestId, address }) => ({ count, requestId, address }))).toEqual([
    { count: undefined, requestId: undefined, address: "192.0.2.9" },
    { count: 3, requestId: "1", address: "192.0.2.1" },
  ]);
  expect(items[1]?.since).toBe("2026-01-02T03:04:05.000000Z");
});

test("flush: denials that could not be recorded wait for the next time", async () => {
  const { database, trail, record, actions } = await openAudit();
  await record(makeEvent({ outcome: "denied" }));
  await database.run("ALTER TABLE audit_events RENAME TO away");
  expect(trail.flush()).rejects.toThrow();
  await database.run("ALTER TABLE away RENAME TO audit_events");
  await trail.flush();
  expect(await actions()).toEqual(["iam:CreateUser"]);
});

test("runUpkeep: heads are signed every hour, once for each place, and told to the log", async () => {
  const { clock, trail, record, verify, lines } = await openAudit();
  await record(makeEvent());
  await trail.runUpkeep();
  await record(makeEvent());
  clock.advance(hourMs - 1);
  await trail.runUpkeep();
  expect((await verify())[0]).toMatchObject({ lastSeq: 2, signedSeq: 1 });
  clock.advance(1);
  await trail.runUpkeep();
  expect((await verify())[0]).toMatchObject({ lastSeq: 2, signedSeq: 2 });
  clock.advance(hourMs);
  await trail.runUpkeep();
  expect(lines.filter((line) => line.includes("Audit head signed"))).toHaveLength(2);
});

test("dropOld: whole days go, the chain still verifies from the signed record on", async () => {
  const { clock, trail, record, verify, actions, settings } = await openAudit();
  settings["audit.retention_days"] = 2;
  await record(makeEvent({ action: "a:Old" }));
  await trail.signHeads();
  clock.advance(dayMs);
  await record(makeEvent({ action: "a:Kept" }));
  clock.advance(dayMs);
  await trail.runUpkeep();
  expect(await actions()).toEqual(["a:Old", "a:Kept"]);
  clock.advance(dayMs);
  await trail.runUpkeep();
  expect(await actions()).toEqual(["a:Kept", "audit:Retention"]);
  expect((await verify())[0]).toMatchObject({ eventCount: 2, lastSeq: 3 });
  expect((await verify())[0]?.problem).toBeUndefined();
  clock.advance(400 * dayMs);
  await trail.runUpkeep();
  await trail.runUpkeep();
  expect(await actions()).toEqual(["audit:Retention"]);
  expect((await verify())[0]).toMatchObject({ eventCount: 1, lastSeq: 4 });
});

test("findEvents: filters on every field, and pages that neither lose nor repeat an event", async () => {
  const { database, clock, record } = await openAudit();
  const actor = { kind: "user", id: "AIDA1", name: "bob", accessKeyId: "AKIA1", sessionId: "s1", mfa: true } as const;
  const resource = { kind: "user", id: "AIDA2", name: "eve", arn: "arn:aws:iam::1:user/eve" };
  for (let index = 0; index < 7; index++) await record(makeEvent({ requestId: `r${index}` }));
  clock.advance(5000);
  await record(
    makeEvent({
      actor,
      resource,
      action: "iam:DeleteUser",
      outcome: "error",
      code: "Conflict",
      agent: "curl",
      via: "token",
    }),
  );
  const found = async (filter: object) => (await findEvents(database, { ...all, filter })).items.map(({ seq }) => seq);
  const time = "2026-01-02T03:04:10Z";
  for (const filter of [
    ...[{ actorId: "AIDA1" }, { actorName: "bob" }, { accessKeyId: "AKIA1" }, { sessionId: "s1" }, { mfa: true }],
    ...[{ action: "iam:deleteuser" }, { action: "iam:Del*" }, { resourceKind: "user" }, { resourceId: "AIDA2" }],
    ...[{ resourceName: "eve" }, { resourceArn: resource.arn }, { outcome: "error" }, { code: "Conflict" }],
    ...[{ agent: "curl" }, { via: "token" }, { actorKind: "user", actorId: "AIDA1" }, { from: time }],
  ]) {
    expect([filter, await found(filter)]).toEqual([filter, [8]]);
  }
  expect(await found({ requestId: "r3" })).toEqual([4]);
  expect(await found({ address: "192.0.2.2" })).toEqual([]);
  expect(await found({ to: time })).toEqual([7, 6, 5, 4, 3, 2, 1]);
  for (let limit = 1; limit <= 9; limit++) {
    const seqs: number[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page = await findEvents(database, { ...all, limit, cursor });
      seqs.push(...page.items.map(({ seq }) => seq));
      cursor = page.nextCursor;
      if (seqs.length < 8) await record(makeEvent({ action: "a:Meanwhile" }));
    }
    expect(seqs.filter((seq) => seq <= 8)).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
  }
  expect(await verifyChains(database, ["nobody"], { keys: [] })).toEqual([
    { chain: "nobody", eventCount: 0, lastSeq: 0, signedSeq: 0 },
  ]);
});

test("flush: more denials than one transaction takes are all recorded, in order; a failure keeps the rest", async () => {
  const { trail, database } = await openAudit();
  const denials = Array.from({ length: 1_234 }, (_, index) =>
    makeEvent({ outcome: "denied", action: `iam:A${index}` }),
  );
  for (const denial of denials) trail.recordDenial(denial);
  const original = database.transaction.bind(database);
  const transaction = spyOn(database, "transaction");
  transaction.mockImplementation((work) => {
    const isThird = transaction.mock.calls.length === 3;
    return isThird ? Promise.reject(new Error("The disk is full")) : original(work);
  });
  expect(await trail.flush().catch(({ message }) => message)).toBe("The disk is full");
  transaction.mockRestore();
  const { items } = await trail.find({ ...all, filter: { outcome: "denied" }, limit: 2_000 });
  expect(items.map(({ action }) => action).toReversed()).toEqual(denials.map(({ action }) => action));
});

test("AuditTrail.verify: who asks at the same time shares one look at the events", async () => {
  const { database, signer, settings, clock, log, record } = await openAudit();
  for (let count = 0; count < 5; count++) await record(makeEvent());
  let looks = 0;
  const counting: typeof database = {
    ...{ run: (...given) => database.run(...given), transaction: (work) => database.transaction(work) },
    ...{ probe: () => database.probe(), close: () => database.close() },
    all: (sql, parameters) => {
      if (sql.includes("ORDER BY seq LIMIT")) looks++;
      return database.all(sql, parameters);
    },
  };
  const given = { database: counting, signer, settings: () => settings, clock, random: systemRandom, log };
  const trail = new AuditTrail(given);
  const reports = await Promise.all(Array.from({ length: 12 }, () => trail.verify("")));
  expect(reports.flat()).toHaveLength(12);
  for (const [report] of reports) expect(report).toMatchObject({ eventCount: 5, lastSeq: 5 });
  expect(looks).toBe(1);
});
