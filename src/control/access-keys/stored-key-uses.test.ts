import { afterEach, expect, test } from "bun:test";
import { closeControl, closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";
import { openControlDatabase } from "../database/open-control-database.ts";
import { StoredKeyUses } from "./stored-key-uses.ts";

afterEach(closeControls);
const accessKeyId = testAdministrator.accessKeyId;
const key = { as: testAdministrator };
const channel = { name: "worker 0", send: () => {} };
const use = (usedAtMs: number, operation = "s3:GetObject") => ({ accessKeyId, operation, usedAtMs });

test("StoredKeyUses: what workers tell is shown at once and survives the end of the server", async () => {
  const made = await startControl();
  const other = { accessKeyId: "AKIAOTHEROTHER000001", secretKey: "s".repeat(40) };
  await made.fetch("/api/v1/access-keys", {
    ...key,
    method: "POST",
    body: JSON.stringify({ userName: "admin", credentials: other }),
  });
  const path = `/api/v1/access-keys/${other.accessKeyId}`;
  const unused = { lastUsedAt: null, lastUsedService: null, lastUsedOperation: null };
  expect(await (await made.fetch(path, key)).json()).toMatchObject(unused);
  const uses = [{ ...use(1_700_000_000_000, "sts:AssumeRole"), accessKeyId: other.accessKeyId }];
  await made.control.calls.receive(channel, { kind: "keyUses", uses });
  const used = { lastUsedAt: "2023-11-14T22:13:20.000Z", lastUsedService: "sts", lastUsedOperation: "AssumeRole" };
  expect(await (await made.fetch(path, key)).json()).toMatchObject({ ...used, revision: 1 });
  await closeControl(made.control);
  const again = await startControl({ dataDir: made.dataDir });
  expect(await (await again.fetch(path, key)).json()).toMatchObject({ ...used, revision: 1 });
});

test("StoredKeyUses: a key that is used at the console's port is used", async () => {
  const { fetch } = await startControl();
  const answer = await fetch(`/api/v1/access-keys/${accessKeyId}`, key);
  expect(await answer.json()).toMatchObject({ lastUsedService: "maxiofs", lastUsedOperation: "ControlApi" });
});

test("StoredKeyUses: the newest use counts, unknown keys are forgotten, and a failure keeps what waits", async () => {
  const { control, dataDir } = await startControl();
  await closeControl(control);
  const database = await openControlDatabase(dataDir);
  const uses = new StoredKeyUses({ database, publisher: control.publisher });
  uses.note([use(20, "s3:PutObject"), use(10), { ...use(30), accessKeyId: "AKIAUNKNOWN" }]);
  expect([uses.find(accessKeyId), uses.find("AKIAUNKNOWN")]).toEqual([use(20, "s3:PutObject"), undefined]);
  const broken = { transaction: () => Promise.reject(new Error("full")) };
  const failing = new StoredKeyUses({ database: broken, publisher: control.publisher });
  failing.note([use(5)]);
  expect(failing.write()).rejects.toThrow("full");
  expect(failing.find(accessKeyId)).toEqual(use(5));
  await uses.write();
  expect(uses.find(accessKeyId)).toBeUndefined();
  uses.note([use(10, "s3:DeleteObject")]);
  await uses.write();
  const columns = "SELECT last_used_at_ms, last_used_operation FROM access_keys";
  expect(await database.all(columns)).toEqual([{ last_used_at_ms: 20, last_used_operation: "s3:PutObject" }]);
  await database.close();
});
