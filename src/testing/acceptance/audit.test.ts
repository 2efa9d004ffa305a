import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "../server-process.ts";
import { clientOf } from "./s3-client.ts";

const server = await startServer();
const folder = mkdtempSync(join(tmpdir(), "maxiofs-export-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await server.remove();
});

test("audit verify: beside a running server, on an export anywhere, and after somebody edited the database", async () => {
  const s3 = clientOf(server);
  await s3.createBucket("audited");
  expect((await s3.send({ method: "DELETE", target: "/audited" })).status).toBe(204);
  s3.close();
  const { secretKey } = await server.createKey("alice", []);
  const answer = await server.adminFetch("/api/v1/audit/events");
  const { items } = await answer.json();
  expect(items.map(({ action }: { action: string }) => action)).toEqual([
    ...[
      "iam:CreateAccessKey",
      "iam:PutUserPolicy",
      "iam:CreateUser",
      "s3:DeleteBucket",
      "s3:CreateBucket",
      "iam:CreateLoginProfile",
    ],
  ]);
  expect(items.map(({ actor }: { actor: { name: string } }) => actor.name)).toEqual([
    "admin",
    "admin",
    "admin",
    "admin",
    "admin",
    "start",
  ]);
  expect(JSON.stringify(items)).not.toContain(secretKey);
  const online = await server.runVerb("audit verify");
  expect([online.code, online.output]).toEqual([0, expect.stringContaining("6 events up to 6 are right")]);

  const path = join(folder, "audit.jsonl");
  const text = await (await server.adminFetch("/api/v1/audit/export?format=jsonl")).text();
  writeFileSync(path, text);
  const exported = await server.runVerb("audit verify", [path]);
  expect([exported.code, exported.output]).toEqual([0, expect.stringContaining("signed up to 6")]);
  writeFileSync(path, text.replace("s3:DeleteBucket", "s3:DeleteBuckets"));
  const forged = await server.runVerb("audit verify", [path]);
  expect([forged.code, forged.output]).toEqual([1, expect.stringContaining("event 3 (")]);

  await server.stop();
  const database = new Database(join(server.dataDir, "control.db"));
  database.run("DELETE FROM audit_events WHERE seq = 2");
  database.close();
  const offline = await server.runVerb("audit verify");
  expect([offline.code, offline.output]).toEqual([1, expect.stringContaining("Events 2 to 2 are missing")]);
}, 30_000);
