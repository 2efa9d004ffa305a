import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "../server-process.ts";
import { clientOf } from "./s3-client.ts";

const folder = mkdtempSync(join(tmpdir(), "maxiofs-policy-"));
const server = await startServer({ env: { MAXIOFS_S3_STRICT_REGION: "false" } });
afterAll(async () => {
  await server.remove();
  rmSync(folder, { recursive: true });
});
const secret = "a-secret-token-of-metrics";

/** The same commands answer the same beside a server and without one. */
async function expectCommands(from: string, to: string): Promise<void> {
  const run = (args: readonly string[]) => server.runVerb("settings", args);
  expect(await run(["get", "s3.region"])).toEqual({ code: 0, output: `${from}\n` });
  expect(await run(["set", "s3.region", to])).toEqual({ code: 0, output: `s3.region = ${to}\n` });
  const list = (await run(["list"])).output;
  expect(list).toMatch(new RegExp(`^s3\\.region +${to} +stored$`, "m"));
  expect(list).toMatch(/^s3\.strict_region +false +start$/m);
  expect(await run(["set", "server.s3_domains", "a.example,b.example"])).toMatchObject({
    output: "server.s3_domains = a.example,b.example\n",
  });
  expect(await run(["set", "server.s3_domains", "--default"])).toEqual({ code: 0, output: "server.s3_domains = \n" });
  expect(await run(["set", "metrics.token", secret])).toEqual({ code: 0, output: "metrics.token = ***\n" });
  expect(await run(["get", "metrics.token"])).toEqual({ code: 0, output: "***\n" });
  for (const [args, message] of [
    [["set", "s3.regoin", "x"], "did you mean s3.region?"],
    [["get", "s3.regoin"], "did you mean s3.region?"],
    [["set", "history.window", "5"], "from 3600 to 2592000"],
    [["set", "s3.strict_region", "true"], "given at start"],
    [["set", "security.block_public_access", "true"], "not available yet"],
    [["set", "s3.region"], "A value of s3.region is wanted"],
    [["get"], "settings get KEY"],
    [["set", "logging.level", "loud"], 'maxiofs: logging.level: must be one of debug, info, warn, error, not "loud"\n'],
    [["set", "server.s3_domains", "a.example", "b.example"], "One value is wanted, or --default"],
    [["set", "s3.region", "x", "--default"], "One value is wanted, or --default"],
    [["set", "storage.inline_threshold", "x"], "storage.inline_threshold: must be a whole number of bytes from 0 to"],
    [["forget"], "settings set KEY --default"],
  ] as const) {
    expect([args, await run(args)]).toEqual([args, { code: 1, output: expect.stringContaining(message) }]);
  }
  const refused = (await run(["set", "metrics.token", "qwertz"])).output;
  expect(refused).toContain("metrics.token: must be");
  expect(refused).not.toContain("qwertz");
}

test("settings: list, get and set beside a server take effect at once, and without one at the next start", async () => {
  const region = async () => {
    const s3 = clientOf(server);
    const { text } = await s3.send({ method: "GET", target: "/made?location" });
    s3.close();
    return text;
  };
  await expectCommands("us-east-1", "eu-7");
  const s3 = clientOf(server);
  await s3.createBucket("made");
  s3.close();
  expect(await region()).toContain("eu-7");
  const scrape = () =>
    fetch(`http://127.0.0.1:${server.consolePort}/metrics`, { headers: { authorization: `Bearer ${secret}` } });
  expect((await scrape()).status).toBe(200);
  await server.stop();
  await expectCommands("eu-7", "eu-8");
  await server.start();
  expect((await server.runVerb("settings", ["get", "s3.region"])).output).toBe("eu-8\n");
  expect((await scrape()).status).toBe(200);
  const events = await (await server.adminFetch("/api/v1/audit/events?action=maxiofs:UpdateSettings")).text();
  expect(events).toContain('"maxiofs settings"');
  expect(events).toContain("eu-8");
  expect(events).not.toContain(secret);
  expect((await server.runVerb("audit verify")).code).toBe(0);
}, 60_000);

test("policy check: exit codes 0, 1 and 2", async () => {
  const statement = { Effect: "Allow", Action: "s3:GetObject", Resource: "*" };
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const right = write("right.json", JSON.stringify({ Version: "2012-10-17", Statement: statement }));
  const wrong = write("wrong.json", JSON.stringify({ Version: "2012-10-17", Statement: { Effect: "Allow" } }));
  const run = (file: string, ...flags: string[]) => server.runWords(["policy", "check", file, ...flags]);
  expect(await run(right)).toEqual({ code: 0, output: "The policy is right: 1 statement\n" });
  expect(await run(right, "--kind", "key")).toMatchObject({ code: 0 });
  expect(await run(wrong)).toMatchObject({ code: 1, output: expect.stringContaining("error: /Statement") });
  expect(await run(join(folder, "none.json"))).toMatchObject({ code: 2 });
});
