import { afterAll, expect, test } from "bun:test";
import { generateSync } from "otplib";
import { administratorPassword, startServer } from "../server-process.ts";
import { hasTool, runToolOk, ScratchFolder } from "./client-tool.ts";

const isMissing = !hasTool("curl");
const server = await startServer({ workers: 1 });
const scratch = new ScratchFolder();
const origin = `http://127.0.0.1:${server.consolePort}`;
afterAll(async () => {
  scratch.remove();
  await server.remove();
});

/** One call of the control API by curl, which keeps the cookies. @returns status and JSON */
async function call(path: string, { body, headers = [] }: { body?: object; headers?: readonly string[] } = {}) {
  const cookies = scratch.join("cookies");
  const data = body === undefined ? [] : ["--data", JSON.stringify(body)];
  const all = ["content-type: application/json", `origin: ${origin}`, ...headers].flatMap((line) => ["-H", line]);
  const words = [
    "-sS",
    "-b",
    cookies,
    "-c",
    cookies,
    "-w",
    "\n%{http_code}",
    ...all,
    ...data,
    `${origin}/api/v1/${path}`,
  ];
  const output = await runToolOk(["curl", ...words]);
  const end = output.lastIndexOf("\n");
  const text = output.slice(0, end);
  return { status: Number(output.slice(end + 1)), body: text === "" ? undefined : JSON.parse(text) };
}

test.skipIf(isMissing)(
  "curl: a cookie session with a second factor, and an API token narrowed to reading",
  async () => {
    const first = await call("auth/login", { body: { username: "admin", password: administratorPassword } });
    expect([first.status, first.body.duty]).toEqual([200, null]);
    const headers = [`x-maxiofs-csrf: ${first.body.csrfToken}`];
    expect((await call("me/totp", { body: {} })).status).toBe(403);
    const { secret } = (await call("me/totp", { body: {}, headers })).body;
    const now = () => Math.floor(Date.now() / 1000);
    const code = generateSync({ secret, epoch: now() - 30 });
    expect((await call("me/totp/enable", { body: { code }, headers })).body.recoveryCodes).toHaveLength(10);
    const Statement = [{ Effect: "Allow", Action: "iam:GetUser", Resource: "*" }];
    const policy = JSON.stringify({ Version: "2012-10-17", Statement });
    const { token } = (await call("me/tokens", { body: { name: "curl", policy }, headers })).body;
    expect((await call("auth/logout", { body: {}, headers })).status).toBe(204);
    expect((await call("me")).status).toBe(401);

    const login = { username: "admin", password: administratorPassword };
    const { challengeId } = (await call("auth/login", { body: login })).body;
    const second = { challengeId, code: generateSync({ secret, epoch: now() + 30 }) };
    expect((await call("auth/second-factor", { body: second })).body).toMatchObject({ mfa: true, userName: "admin" });
    expect((await call("me")).body).toMatchObject({ via: "console", mfa: true });

    const bearer = [`authorization: Bearer ${token}`];
    expect((await call("me", { headers: bearer })).body).toMatchObject({ via: "token", userName: "admin" });
    expect((await call("access-keys", { headers: bearer })).status).toBe(403);
  },
  60_000,
);
