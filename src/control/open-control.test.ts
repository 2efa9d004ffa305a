import { afterEach, expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { policyOf } from "#testing/identities.ts";
import { makeKey } from "#testing/make-key.ts";
import {
  closeControl,
  closeControls,
  makeControlOptions,
  startControl,
  testAdministrator,
} from "#testing/opened-control.ts";
import { verifyAudit } from "./audit/verify-command.ts";
import { openControl } from "./open-control.ts";
import { StartRefusedError } from "./start-refused-error.ts";

afterEach(closeControls);
const administrator = testAdministrator;
const policy = policyOf([{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::a/*"] }]);

test("openControl: the first start takes the configured administrator, later ones ignore it", async () => {
  const first = await startControl();
  expect(first.control.firstAdministrator).toEqual({ ...administrator, generated: false });
  const [key] = first.control.publisher.keys.values();
  expect(key).toMatchObject({ ...administrator, enabled: true, narrowing: [] });
  const [user] = first.control.publisher.entries("user").values();
  const policyIds = ["arn:aws:iam::aws:policy/consoleAdmin"];
  expect(user).toMatchObject({ userId: key?.userId, name: "admin", global: true, policyIds });
  const [tenant] = first.control.publisher.entries("tenant").values();
  expect(tenant?.accountId).toMatch(/^\d{12}$/);
  expect(tenant?.canonicalId).toMatch(/^[0-9a-f]{64}$/);
  expect(key?.userId).toMatch(/^AIDA[A-Z2-7]{16}$/);
  await closeControl(first.control);
  const second = await startControl({
    dataDir: first.dataDir,
    administrator: { ...administrator, accessKeyId: "AKIAOTHER" },
  });
  expect(second.control.firstAdministrator).toBeUndefined();
  expect([...second.control.publisher.keys.values()]).toEqual(key ? [key] : []);
});

test("openControl: an administrator's key that is ignored is warned of with the reason, never with a secret", async () => {
  const { control, dataDir } = await startControl();
  const user = await makeKey(control, { userName: "alice", policy });
  await closeControl(control);
  for (const [given, reason] of [
    [administrator, undefined],
    [{ ...administrator, accessKeyId: "AKIAOTHER" }, "there is no such access key"],
    [{ ...administrator, secretKey: "another-secret-of-them" }, "its stored secret is another"],
    [{ accessKeyId: user.accessKeyId, secretKey: user.secretKey }, "it is no administrator's"],
  ] as const) {
    const again = await startControl({ dataDir, administrator: given });
    await closeControl(again.control);
    const warnings = again.lines.filter((line) => line.includes("MAXIOFS_ADMIN_"));
    expect(warnings).toHaveLength(reason === undefined ? 0 : 1);
    for (const warning of warnings) {
      expect(warning).toContain(reason ?? "");
      expect(warning).toContain(given.accessKeyId);
      expect(warning).not.toContain(given.secretKey);
    }
  }
});

test("openControl: without a configured administrator one is generated, different each time", async () => {
  const generate = async () => {
    const { administrator: _, ...options } = makeControlOptions();
    const control = await openControl(options);
    await control.close();
    return control.firstAdministrator;
  };
  const [one, two] = [await generate(), await generate()];
  expect(one?.generated).toBe(true);
  expect(one?.accessKeyId).toMatch(/^AKIA[A-Z2-7]{16}$/);
  expect(one?.secretKey).toMatch(/^[A-Za-z0-9+/]{40}$/);
  expect(two?.accessKeyId).not.toBe(one?.accessKeyId);
});

test("openControl: another root key is refused, keys stay the same with the right one", async () => {
  const { control, dataDir } = await startControl();
  await closeControl(control);
  await expect(startControl({ dataDir, rootKey: new Uint8Array(32) })).rejects.toThrow(StartRefusedError);
  rmSync(join(dataDir, "root.key"));
  await expect(startControl({ dataDir })).rejects.toThrow(`${join(dataDir, "root.key")} does not exist`);
});

test("openControl: settings given at start reach the snapshot", async () => {
  const { control } = await startControl({ settings: { "s3.region": "eu-9" } });
  expect(control.publisher.settings["s3.region"]).toBe("eu-9");
});

test("openControl: no secret stands in the data folder or the log", async () => {
  const { control, dataDir, lines, fetch } = await startControl();
  const response = await fetch("/api/v1/access-keys", {
    method: "POST",
    body: JSON.stringify({ userName: "admin", policy }),
    as: administrator,
  });
  const { secretKey } = await response.json();
  await closeControl(control);
  const bytes = readdirSync(dataDir)
    .map((name) => readFileSync(join(dataDir, name), "latin1"))
    .join();
  for (const text of [bytes, lines.join()]) {
    expect(text).not.toContain(secretKey);
    expect(text).not.toContain(administrator.secretKey);
  }
});

test("Control: at a stop every chain is signed up to its last event, also within an hour of the last signature", async () => {
  let { control, dataDir, fetch } = await startControl();
  for (const name of ["alice", "bob"]) {
    const init = { method: "POST", body: JSON.stringify({ name }), as: testAdministrator };
    expect((await fetch("/api/v1/users", init)).status).toBe(201);
    await closeControl(control);
    const lines: string[] = [];
    expect(await verifyAudit({ dataDir, report: (line) => void lines.push(line) })).toBe(0);
    expect(lines.join("\n")).toMatch(/: (\d+) events up to \1 are right, signed up to \1$/m);
    ({ control, fetch } = await startControl({ dataDir }));
  }
});
