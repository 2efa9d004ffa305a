import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../package.json";
import { signRequest } from "./testing/s3-signer.ts";
import { type ServerProcess, startServer } from "./testing/server-process.ts";

const base = mkdtempSync(join(tmpdir(), "maxiofs-main-"));
const servers: ServerProcess[] = [];

afterAll(async () => {
  await Promise.all(servers.map((server) => server.remove()));
  rmSync(base, { recursive: true, force: true });
});

async function start(): Promise<ServerProcess> {
  const server = await startServer({ workers: 2 });
  servers.push(server);
  return server;
}

interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs the command line to its end. */
async function run(words: readonly string[], stdin = ""): Promise<Outcome> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "main.ts"), ...words], {
    cwd: base,
    env: { PATH: process.env["PATH"] ?? "" },
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, output, errors };
}

const wait = 20_000;

/** Begins a PUT of 5 bytes and sends them when told; resolves with the status. */
function beginPut(server: ServerProcess, key: string): { readonly send: () => void; readonly status: Promise<number> } {
  const { accessKeyId, secretKey } = server.credentials;
  const url = `${server.endpoint}/slow/${key}`;
  const identity = { accessKeyId, secretKey, region: "us-east-1", date: new Date() };
  const headers = signRequest({
    method: "PUT",
    url,
    body: "unsigned",
    headers: { "content-length": "5" },
    ...identity,
  });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const upload = httpRequest(url, { method: "PUT", headers }, (response) => {
    response.resume().on("end", () => resolve(response.statusCode ?? 0));
  });
  upload.on("error", reject);
  upload.flushHeaders();
  return { send: () => upload.end("bytes"), status: promise };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function createBucket(server: ServerProcess): Promise<void> {
  const url = `${server.endpoint}/slow`;
  const identity = { ...server.credentials, region: "us-east-1", date: new Date() };
  const response = await fetch(url, { method: "PUT", headers: signRequest({ method: "PUT", url, ...identity }) });
  expect(response.status).toBe(200);
}

/** What the audit tells of the root key: action, via, id. */
function readKeyEvents(dataDir: string): readonly (readonly unknown[])[] {
  const database = new Database(join(dataDir, "control.db"));
  const rows = database.query<{ body: string }, []>("SELECT body FROM audit_events ORDER BY event_id").all();
  database.close();
  const events = rows.map(({ body }) => JSON.parse(body)).filter(({ resource }) => resource?.kind === "rootKey");
  return events.map(({ action, via, resource }) => [action, via, resource.id]);
}

test("version: prints the package's version", async () => {
  expect(await run(["version"])).toEqual({ code: 0, output: `${version}\n`, errors: "" });
});

test("main: an unknown verb and an unknown flag are refused with their own codes", async () => {
  expect(await run(["sreve"])).toMatchObject({ code: 64, errors: expect.stringContaining('"sreve" is no command') });
  expect(await run(["keys", "melt"])).toMatchObject({ code: 64, errors: expect.stringContaining('"keys melt"') });
  expect(await run(["serve", "--dat", "x"])).toMatchObject({ code: 78, errors: expect.stringContaining("--data") });
});

test("help: the list, one command's flags, by word and by flag", async () => {
  for (const words of [["help"], ["-h"], ["--help"], []]) {
    expect(await run(words)).toMatchObject({ code: 0, output: expect.stringContaining("  keys import") });
  }
  expect(await run(["help", "keys"])).toMatchObject({
    code: 0,
    output: expect.stringContaining("maxiofs keys import"),
  });
  for (const words of [
    ["help", "serve"],
    ["serve", "-h"],
    ["serve", "--data", "x", "--help"],
  ]) {
    expect(await run(words)).toMatchObject({ code: 0, output: expect.stringContaining("--s3-listen HOST:PORT") });
  }
  expect((await run(["keys", "export", "-h"])).output).toStartWith("Usage: maxiofs keys export");
  expect(await run(["help", "sreve"])).toMatchObject({ code: 64, errors: expect.stringContaining('"sreve"') });
}, 20_000);

test("main: a configuration or data folder that cannot be read is one line with its name and the reason", async () => {
  const broken = join(base, "broken.toml");
  writeFileSync(broken, "workers = 1\n[s3\n");
  const missing = join(base, "missing.toml");
  for (const [words, code, text] of [
    [["--config", missing], 78, `Flag --config: "${missing}" cannot be read: it does not exist`],
    [["--config", base], 78, `Flag --config: "${base}" cannot be read: it is a folder`],
    [["--config", broken], 78, "no valid TOML from line 2 on"],
    [["--data", broken], 73, `The data folder ${broken} is no folder`],
    [["--root-key-file", missing], 78, "Flag --root-key-file: the file it names cannot be read: it does not exist"],
  ] as const) {
    const { errors, ...outcome } = await run(["serve", ...words]);
    expect([outcome.code, errors]).toEqual([code, expect.stringContaining(text)]);
    expect(errors.trim().split("\n")).toHaveLength(1);
  }
}, 20_000);

test("check: a folder without data is no data folder", async () => {
  expect(await run(["check", "--data", base])).toMatchObject({ code: 2, errors: expect.stringContaining(base) });
});

test(
  "serve: folder and port belong to one server; check and keys export work beside it",
  async () => {
    const server = await start();
    await createBucket(server);
    const free = ["--s3-listen", "127.0.0.1:0", "--console-listen", "127.0.0.1:0"];
    const sameFolder = await run(["serve", "--data", server.dataDir, ...free]);
    expect(sameFolder.code).toBe(73);
    expect(sameFolder.errors).toContain(`${server.dataDir} is in use by process ${server.pid}`);
    const samePort = ["--s3-listen", `127.0.0.1:${server.s3Port}`, "--console-listen", "127.0.0.1:0"];
    const second = await run(["serve", "--data", join(base, "other"), ...samePort]);
    expect(second).toMatchObject({ code: 71, errors: expect.stringContaining(`127.0.0.1:${server.s3Port}`) });
    const sound = await run(["check", "--data", server.dataDir]);
    expect([sound.code, sound.errors]).toEqual([0, ""]);
    expect(sound.output).toContain(`Process ${server.pid} serves the folder`);
    expect(sound.output).toMatch(/^slow \([0-9A-Z]+\): 0 objects/m);
    expect(await run(["check", "slow", "--data", server.dataDir])).toMatchObject({ code: 0 });
    expect(await run(["check", "--data", server.dataDir, "fast"])).toMatchObject({ code: 2 });
    const bundle = await run(["keys", "export", "--data", server.dataDir], "correct horse battery\n");
    expect(bundle.code).toBe(0);
    expect(JSON.parse(bundle.output)).toHaveProperty("rootKeyId");
    expect((await run(["keys", "export", "--data", server.dataDir], "short\n")).code).not.toBe(0);
    const { rootKeyId } = JSON.parse(bundle.output);
    expect(readKeyEvents(server.dataDir)).toEqual([["maxiofs:ExportKeys", "commandLine", rootKeyId]]);
  },
  wait,
);

test("keys import: puts back the root key that serve misses, from a file or standard input", async () => {
  const server = await start();
  await createBucket(server);
  const passphrase = "correct horse battery\n";
  const { output: bundle } = await run(["keys", "export", "--data", server.dataDir], passphrase);
  const bundlePath = join(base, "bundle.json");
  writeFileSync(bundlePath, bundle);
  await server.stop();
  const keyPath = join(server.dataDir, "root.key");
  rmSync(keyPath);
  const listen = ["--s3-listen", "127.0.0.1:0", "--console-listen", "127.0.0.1:0"];
  const refused = await run(["serve", "--data", server.dataDir, ...listen]);
  expect([refused.code, refused.errors]).toEqual([78, expect.stringContaining("maxiofs keys import")]);
  const wrong = await run(["keys", "import", bundlePath, "--data", server.dataDir], "another passphrase\n");
  expect([wrong.code, existsSync(keyPath)]).toEqual([65, false]);
  const done = await run(["keys", "import", bundlePath, "--data", server.dataDir], passphrase);
  expect([done.code, done.errors]).toEqual([0, ""]);
  expect(done.output).toContain("It opens the data folder: 1 key-encryption keys");
  expect((await run(["keys", "export", "--data", server.dataDir], passphrase)).errors).toBe("");
  const verbs = ["Export", "Import", "Export"].map((verb) => `maxiofs:${verb}Keys`);
  expect(readKeyEvents(server.dataDir).map(([action]) => action)).toEqual(verbs);
  await server.start();
  const elsewhere = join(base, "elsewhere.key");
  const words = ["keys", "import", "-", "--data", server.dataDir, "--root-key-file", elsewhere];
  expect((await run(words, passphrase + bundle)).output).toContain(elsewhere);
  expect(readFileSync(elsewhere, "utf8")).toBe(readFileSync(keyPath, "utf8"));
  expect(readKeyEvents(server.dataDir)).toHaveLength(4);
  expect((await run(["audit", "verify", "--data", server.dataDir])).code).toBe(0);
  expect((await run(["keys", "import", join(base, "none"), "--data", server.dataDir])).code).toBe(66);
  expect((await run(["keys", "import", "--data", server.dataDir])).code).toBe(64);
}, 60_000);

test("keys export: a control database of another release is not changed, and that nobody is told is said", async () => {
  const server = await start();
  await server.stop();
  const database = new Database(join(server.dataDir, "control.db"));
  database.run("PRAGMA user_version = 8");
  database.close();
  const { code, output, errors } = await run(["keys", "export", "--data", server.dataDir], "correct horse battery\n");
  expect([code, JSON.parse(output)]).toEqual([0, expect.objectContaining({ rootKeyId: expect.any(String) })]);
  expect(errors).toContain("the audit does not tell of this export");
  expect(readKeyEvents(server.dataDir)).toEqual([]);
}, 20_000);

test("check: a damaged control database and a missing root key are told, the buckets are read all the same", async () => {
  const server = await start();
  await createBucket(server);
  await server.stop();
  const [control, key] = [join(server.dataDir, "control.db"), join(server.dataDir, "root.key")];
  renameSync(key, `${key}.away`);
  const withoutKey = await run(["check", "--data", server.dataDir]);
  expect(withoutKey).toMatchObject({ code: 2, output: expect.stringContaining("unreadable: The keys: ") });
  renameSync(`${key}.away`, key);
  writeFileSync(control, "no database at all".repeat(1000));
  const { code, output } = await run(["check", "--data", server.dataDir]);
  expect(code).toBe(1);
  expect(output).toContain("corrupt: control.db");
  expect(output).toMatch(/^[0-9A-Z]+: 0 objects/m);
  expect(output).toContain("restore control.db from a backup");
}, 20_000);

test(
  "serve: after SIGINT what runs is finished and nothing new is taken",
  async () => {
    const server = await start();
    await createBucket(server);
    const upload = beginPut(server, "a");
    await Bun.sleep(200);
    process.kill(server.pid, "SIGINT");
    await Bun.sleep(300);
    expect(await fetch(server.endpoint).catch(() => "refused")).toBe("refused");
    upload.send();
    expect(await upload.status).toBe(200);
    const { pid } = server;
    while (isRunning(pid)) await Bun.sleep(20);
    expect(await server.stop()).toBe(0);
  },
  wait,
);

test(
  "serve: after SIGTERM the server is not ready but answers; a second signal ends it at once",
  async () => {
    const server = await start();
    await createBucket(server);
    const upload = beginPut(server, "a");
    upload.status.catch(() => {});
    process.kill(server.pid, "SIGTERM");
    await Bun.sleep(200);
    expect((await server.adminFetch("/health/ready")).status).toBe(503);
    expect((await fetch(server.endpoint)).status).toBe(403);
    expect(server.output()).toContain("Ending in 5 s: until then requests are answered");
    expect(await server.stop()).toBe(0);
    expect(server.output()).toContain("Ending now");
  },
  wait,
);
