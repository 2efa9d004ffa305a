import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { generateSync } from "otplib";
import type { AnswerCheck } from "../answer-check.ts";
import { ConsoleClient } from "../console-client.ts";
import { administratorPassword, type ServerProcess, startServer } from "../server-process.ts";

let server: ServerProcess;
let answers: AnswerCheck;
beforeAll(async () => {
  server = await startServer({ workers: 1 });
  answers = await server.answers();
});
afterAll(() => server.remove());

const secrets: string[] = [administratorPassword];

function readDataFolder(): string {
  const names = readdirSync(server.dataDir, { recursive: true, encoding: "utf8" });
  const files = names.map((name) => join(server.dataDir, name)).filter((path) => statSync(path).isFile());
  return files.map((path) => readFileSync(path, "latin1")).join("\n");
}

describe("log-in", () => {
  const browser = () => new ConsoleClient(server.consolePort, answers);
  let user: ConsoleClient;
  let token = "";

  test("a session and an API token work, and go on working after kill -9 and a restart", async () => {
    user = browser();
    expect((await user.logIn("admin", administratorPassword)).status).toBe(200);
    token = (await user.call("me/tokens", { body: { name: "ci" } })).body.token;
    secrets.push(token, user.csrfToken, ...user.cookies.values());
    await server.kill9();
    await server.start();
    expect((await user.call("me")).body).toMatchObject({ userName: "admin", via: "console" });
    const headers = { authorization: `Bearer ${token}` };
    expect((await browser().call("me", { headers })).body).toMatchObject({ via: "token" });
    expect((await user.call("users", { body: { name: "alice" } })).status).toBe(201);
    expect((await user.call("access-keys", { body: { userName: "alice" } })).status).toBe(201);
  }, 30_000);

  test("the second factor: set up, wanted at the next log-in, no code twice", async () => {
    const { secret } = (await user.call("me/totp", { method: "POST" })).body;
    const now = () => Math.floor(Date.now() / 1000);
    // The step of the code that set it up is used up: take an earlier one, which counts as well.
    const first = generateSync({ secret, epoch: now() - 30 });
    const { status, body } = await user.call("me/totp/enable", { body: { code: first } });
    expect(status).toBe(200);
    secrets.push(secret, ...body.recoveryCodes, ...user.cookies.values());
    const { challengeId } = (await browser().logIn("admin", administratorPassword)).body;
    const again = browser();
    expect((await again.call("auth/second-factor", { body: { challengeId, code: first } })).status).toBe(401);
    const code = generateSync({ secret, epoch: now() + 30 });
    expect((await again.call("auth/second-factor", { body: { challengeId, code } })).body).toMatchObject({ mfa: true });
    secrets.push(challengeId, ...again.cookies.values());
  });

  test("maxiofs admin: through the running server, then without one", async () => {
    const admin = (...words: string[]) => server.runVerb("admin", words);
    expect(statSync(join(server.dataDir, "control.sock")).mode & 0o777).toBe(0o600);
    expect((await admin("list")).output).toContain("default/admin  administrator  password set  second factor");
    expect(await admin("unlock", "nobody")).toEqual({ code: 1, output: "maxiofs: There is no such user\n" });
    expect((await admin("dance")).code).toBe(1);
    // The socket in the folder is no damage, neither beside the server nor as a killed one leaves it.
    expect((await server.runVerb("check")).code).toBe(0);
    const reset = await admin("reset-password", "alice", "--tenant", "default");
    expect(reset.code).toBe(0);
    const [, oneTime = ""] = /^ {2}(\S{24})$/m.exec(reset.output) ?? [];
    secrets.push(oneTime);
    const alice = browser();
    expect((await alice.logIn("alice", oneTime)).body).toMatchObject({ duty: "passwordChange" });
    expect((await admin("revoke-sessions", "admin")).output).toMatch(/^\d sessions of default\/admin ended\n$/);
    expect((await user.call("me")).status).toBe(401);
    expect((await admin("disable-2fa", "admin")).code).toBe(0);
    const change = { method: "PATCH", body: JSON.stringify({ "security.api_token_max_days": 30 }) };
    const headersOfChange = { "content-type": "application/json", "if-match": "*" };
    expect((await server.adminFetch("/api/v1/settings", { ...change, headers: headersOfChange })).status).toBe(200);
    await server.kill9();
    expect((await server.runVerb("check")).code).toBe(0);
    expect((await admin("list")).output).toContain("default/alice  user           password to be changed");
    const made = await admin("create-token", "admin", "--days", "1", "--name", "offline");
    expect(made.output).toMatch(/^mxt_[0-9A-Za-z]{40}\n$/);
    expect((await admin("create-token", "admin", "--days", "31")).code).toBe(1);
    expect((await admin("reset-password", "alice")).code).toBe(0);
    expect((await admin("unlock", "alice")).output).toBe("default/alice can log in again\n");
    expect((await server.runVerb("audit verify")).code).toBe(0);
    await server.start();
    const headers = { authorization: `Bearer ${made.output.trim()}` };
    expect((await browser().call("me", { headers })).body.secondFactor.totp).toBe(false);
    secrets.push(made.output.trim());
  }, 60_000);

  test("maxiofs admin: what it did is in the audit trail, with and without a server", async () => {
    const answer = await server.adminFetch("/api/v1/audit/events?actorKind=commandLine");
    const { items } = await answer.json();
    const told = items.map(({ action, resource, via }: { action: string; resource: { name: string }; via: string }) => {
      return `${action} ${resource.name} ${via}`;
    });
    expect(told).toEqual([
      "maxiofs:UnlockUser alice commandLine",
      "iam:UpdateLoginProfile alice commandLine",
      "iam:CreateAccessKey offline commandLine",
      "iam:DeactivateMFADevice admin commandLine",
      "maxiofs:ManageSessions admin commandLine",
      "iam:UpdateLoginProfile alice commandLine",
    ]);
    expect((await server.runVerb("audit verify")).code).toBe(0);
  }, 30_000);

  test("no secret of a log-in stands in the data folder or in what the server printed", () => {
    expect(secrets.length).toBeGreaterThan(18);
    const [stored, printed] = [readDataFolder(), server.output()];
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(15);
      expect(stored).not.toContain(secret);
      expect(printed).not.toContain(secret);
    }
  });
});

test("first start: a generated password is shown once, works once, and must be changed", async () => {
  const env = { MAXIOFS_ADMIN_PASSWORD: undefined, MAXIOFS_ADMIN_USER: "chief" };
  const other = await startServer({ workers: 1, env });
  try {
    const [, userName, password = ""] = /user {8}(\S+)\n {4}password {4}(\S{24})\n/.exec(other.output()) ?? [];
    expect(userName).toBe("chief");
    await other.kill9();
    await other.start();
    expect(other.output().split(password)).toHaveLength(2);
    const user = new ConsoleClient(other.consolePort, answers);
    expect((await user.logIn("chief", password)).body).toMatchObject({ duty: "passwordChange", global: true });
    expect((await user.call("access-keys")).status).toBe(403);
    expect((await user.call("me/password", { body: { password: "My-Own-Horse-77" } })).status).toBe(204);
    expect((await user.call("access-keys")).status).toBe(200);
    expect((await new ConsoleClient(other.consolePort, answers).logIn("chief", password)).status).toBe(401);
  } finally {
    await other.remove();
  }
}, 60_000);

test("first start: a bad or well-known password is refused", async () => {
  for (const password of ["admin", "maxiofs", "password1"]) {
    const start = startServer({ workers: 1, env: { MAXIOFS_ADMIN_PASSWORD: password } });
    await expect(start).rejects.toThrow(/ended with code 78(.|\n)*\(MAXIOFS_ADMIN_PASSWORD\) is refused/);
  }
}, 60_000);
