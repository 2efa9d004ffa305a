import { afterAll, expect, test } from "bun:test";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateSync } from "otplib";
import { Canaries } from "../canaries.ts";
import { ConsoleClient } from "../console-client.ts";
import { presignUrl, signRequest } from "../s3-signer.ts";
import { administratorPassword, type Credentials, type ServerProcess, startServer } from "../server-process.ts";

/** Credentials that a request is signed with. */
interface Signer extends Credentials {
  readonly sessionToken?: string;
}

const canaries = new Canaries();
const rootKey = crypto.getRandomValues(new Uint8Array(32));
canaries.plant("root key", rootKey);
const server = await startServer({ env: { MAXIOFS_ROOT_KEY: Buffer.from(rootKey).toString("base64") } });
afterAll(() => server.remove());
const admin: Signer = server.credentials;
const leaks: string[] = [];
let answerCount = 0;

/** A secret of this run; `suffix` makes it satisfy rules. */
function makeSecret(name: string, suffix = ""): string {
  const secret = `Canary-${crypto.randomUUID()}${suffix}`;
  canaries.plant(name, secret);
  return secret;
}

/** Looks for secrets in an answer. @param shown those that it is there to show, planted from now on */
function look(what: string, answer: string, shown: Readonly<Record<string, string>> = {}): void {
  answerCount += 1;
  for (const name of canaries.findIn(answer)) leaks.push(`${name} in the answer to ${what}`);
  for (const [name, secret] of Object.entries(shown)) canaries.plant(name, secret);
}

function render(response: Response, text: string): string {
  return `${response.status} ${[...response.headers].join("\n")}\n${text}`;
}

interface Signed {
  readonly signer?: Signer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly service?: string;
  /** Changes the signed headers. */
  readonly spoil?: (headers: Record<string, string>) => void;
}

async function s3(method: string, path: string, { signer = admin, body = "", ...more }: Signed = {}): Promise<string> {
  const { sessionToken } = signer;
  const url = server.endpoint + path;
  const headers = signRequest({
    ...{ method, url, region: "us-east-1", date: new Date(), ...signer, body: Buffer.from(body) },
    headers: { ...more.headers, ...(sessionToken !== undefined && { "x-amz-security-token": sessionToken }) },
    ...(more.service !== undefined && { service: more.service }),
  });
  more.spoil?.(headers);
  const response = await fetch(url, { method, headers, ...(body !== "" && { body }) });
  const text = await response.text();
  if (more.service === undefined) look(`${method} ${path}`, render(response, text));
  return text;
}

async function api(method: string, path: string, body?: unknown): Promise<string> {
  const response = await server.adminFetch(`/api/v1/${path}`, {
    method,
    headers: { "content-type": "application/json", "if-match": "*" },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return render(response, await response.text());
}

function partOf(text: string, name: string): string {
  const [, value = ""] = new RegExp(`<${name}>([^<]+)</${name}>|"${name}":"([^"]+)"`).exec(text)?.filter(Boolean) ?? [];
  return value;
}

/** Logs, the data folder, what the audit and the metrics tell. */
async function lookEverywhere(when: string): Promise<void> {
  for (const path of ["audit/events?limit=1000", "audit/export?format=jsonl", "audit/export?format=csv", "settings"]) {
    look(`${path} ${when}`, await api("GET", path));
  }
  for (const path of ["access-keys", "users", "sts-sessions", "tenants", "policies", "me", "audit/verify"]) {
    look(`${path} ${when}`, await api("GET", path));
  }
  for (const path of ["/metrics", "/health/ready", "/health/live", "/api/openapi.json", "/"]) {
    const response = await server.adminFetch(path);
    look(`${path} ${when}`, render(response, await response.text()));
  }
  lookAtDisk(when);
}

function lookAtDisk(when: string): void {
  for (const name of canaries.findIn(server.output())) leaks.push(`${name} in what the server printed ${when}`);
  for (const found of canaries.findInFolder(server.dataDir)) leaks.push(`${found} ${when}`);
}

async function useSettings(): Promise<void> {
  look(
    "a bad setting",
    await api("PATCH", "settings", { "metrics.token": makeSecret("a bad metrics token", "\u0001") }),
  );
  const token = makeSecret("metrics token");
  look("settings", await api("PATCH", "settings", { "metrics.token": token, "logging.level": "debug" }));
  look("settings", await api("PATCH", "settings", { "logging.access_enabled": true }));
  // Nobody receives there: what goes wrong is told.
  const url = "http://127.0.0.1:9/receive";
  const receivers = {
    ...{ "logging.http_enabled": true, "logging.http_url": url, "tracing.otlp_url": url },
    "logging.http_auth_token": makeSecret("token of the log's receiver"),
    "tracing.auth_token": makeSecret("token of the traces' receiver"),
  };
  const changed = await api("PATCH", "settings", receivers);
  expect(changed).toStartWith("200");
  look("settings of receivers", changed);
  const scrape = await fetch(`http://127.0.0.1:${server.consolePort}/metrics`, {
    headers: { authorization: `Bearer ${token}` },
  });
  look("a scrape", render(scrape, await scrape.text()));
}

async function useKeys(): Promise<void> {
  const made = await api("POST", "access-keys", { userName: "admin", description: "made" });
  const key = { accessKeyId: partOf(made, "accessKeyId"), secretKey: partOf(made, "secretKey") };
  look("a made key", made, { "made secret key": key.secretKey });
  const given = { accessKeyId: "AKIACANARY0000000001", secretKey: crypto.randomUUID() };
  const body = { userName: "admin", credentials: given };
  look("a given key", await api("POST", "access-keys", body), { "given secret key": given.secretKey });
  look("a key that is there", (await api("POST", "access-keys", body)).replace(/^201.*/s, "made twice"));
  const long = { ...given, secretKey: makeSecret("a secret key that is too long").repeat(4) };
  look("a bad key", await api("POST", "access-keys", { userName: "admin", credentials: long }));
  for (const signer of [admin, key, given]) {
    await s3("PUT", "/canaries", { signer });
    await s3("PUT", "/canaries/key", { signer, body: "body" });
    await s3("GET", "/canaries/key", { signer });
    await s3("GET", "/canaries/none?versionId=x", { signer });
  }
}

async function signBadly(): Promise<void> {
  const wrong = { ...admin, secretKey: makeSecret("a wrong secret key") };
  await s3("GET", "/canaries/key", { signer: wrong });
  await s3("PUT", "/canaries/key", { signer: wrong, body: "body" });
  const spoil = (authorization: string): Signed => ({ spoil: (headers) => Object.assign(headers, { authorization }) });
  await s3("GET", "/canaries/key", spoil(`Bearer ${admin.secretKey}`));
  await s3("GET", "/canaries/key", spoil(`Basic ${btoa(`${admin.accessKeyId}:${admin.secretKey}`)}`));
  await s3("GET", "/canaries/key", spoil(`AWS4-HMAC-SHA256 ${admin.secretKey}`));
  const url = presignUrl({
    ...{ method: "GET", url: `${server.endpoint}/canaries/key`, region: "us-east-1", date: new Date(), headers: {} },
    ...wrong,
    expiresSeconds: 60,
  });
  const response = await fetch(url);
  look("a badly presigned URL", render(response, await response.text()));
}

async function useSessions(): Promise<void> {
  const body = "Action=GetSessionToken&Version=2011-06-15&DurationSeconds=900";
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const issued = await s3("POST", "/", { body, headers, service: "sts" });
  const session = {
    accessKeyId: partOf(issued, "AccessKeyId"),
    secretKey: partOf(issued, "SecretAccessKey"),
    sessionToken: partOf(issued, "SessionToken"),
  };
  look("GetSessionToken", issued, { "session's secret key": session.secretKey, "session token": session.sessionToken });
  await s3("PUT", "/canaries/of-a-session", { signer: session, body: "body" });
  await s3("GET", "/canaries/of-a-session", { signer: session });
  await s3("GET", "/canaries/none", { signer: session });
  await s3("GET", "/canaries/key", { signer: { ...session, secretKey: admin.secretKey } });
  await s3("GET", "/canaries/key", { signer: { ...session, accessKeyId: admin.accessKeyId } });
  const own = "Action=GetCallerIdentity&Version=2011-06-15";
  look("GetCallerIdentity", await s3("POST", "/", { body: own, headers, service: "sts", signer: session }));
}

async function useCustomerKeys(): Promise<void> {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  canaries.plant("customer key", bytes);
  const prefix = "x-amz-server-side-encryption-customer";
  const md5 = new Bun.CryptoHasher("md5").update(bytes).digest("base64");
  const key = Buffer.from(bytes).toString("base64");
  const headers = { [`${prefix}-algorithm`]: "AES256", [`${prefix}-key`]: key, [`${prefix}-key-md5`]: md5 };
  look("settings", await api("PATCH", "settings", { "s3.allow_sse_c_http": true }));
  await s3("PUT", "/canaries/customer", { headers, body: "small" });
  await s3("PUT", "/canaries/customer-large", { headers, body: "large".repeat(100_000) });
  await s3("HEAD", "/canaries/customer", { headers });
  await s3("GET", "/canaries/customer", { headers, signer: { ...admin, secretKey: makeSecret("another wrong key") } });
  expect(await s3("GET", "/canaries/customer", { headers })).toBe("small");
  await s3("GET", "/canaries/key", { headers });
  await s3("PUT", "/canaries/customer", {
    headers: { ...headers, [`${prefix}-key-md5`]: btoa("wrong") },
    body: "small",
  });
  await s3("PUT", "/canaries/customer", { headers: { ...headers, [`${prefix}-key`]: `${key}AAAA` }, body: "small" });
}

/** A request that policies refuse, with secrets in its headers, and why it was refused. */
async function explainDenial(): Promise<void> {
  const statement = { Effect: "Allow", Action: "s3:ListBucket", Resource: "*" };
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: statement });
  const made = await api("POST", "access-keys", { userName: "admin", policy });
  const signer = { accessKeyId: partOf(made, "accessKeyId"), secretKey: partOf(made, "secretKey") };
  look("a narrowed key", made, { "narrowed secret key": signer.secretKey });
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  canaries.plant("customer key of a denied request", bytes);
  const prefix = "x-amz-server-side-encryption-customer";
  const headers = {
    [`${prefix}-algorithm`]: "AES256",
    [`${prefix}-key`]: Buffer.from(bytes).toString("base64"),
    [`${prefix}-key-md5`]: new Bun.CryptoHasher("md5").update(bytes).digest("base64"),
    "x-amz-meta-note": "denied",
  };
  const denied = await s3("PUT", "/canaries/denied", { signer, headers, body: "body" });
  const record = await api("GET", `diagnostics/denials?requestId=${partOf(denied, "RequestId")}`);
  expect(record).toStartWith("200");
  look("a denial explained", record);
}

async function useLogIns(): Promise<void> {
  const answers = await server.answers();
  const user = new ConsoleClient(server.consolePort, answers);
  const told = async (path: string, call: Parameters<ConsoleClient["call"]>[1] = {}, client = user) => {
    const answer = await client.call(path, call);
    const headers = [...answer.headers].filter(([name]) => name !== "set-cookie");
    return { ...answer, shown: `${answer.status} ${headers.join("\n")}\n${JSON.stringify(answer.body)}` };
  };
  const stranger = () => new ConsoleClient(server.consolePort, answers);
  for (const body of [
    { username: "admin", password: makeSecret("a wrong password") },
    // A password in the wrong field.
    { username: makeSecret("a password as a name"), password: "x" },
    { username: "admin", password: [makeSecret("a password in a list")] },
  ]) {
    look("a bad log-in", (await told("auth/login", { body }, stranger())).shown);
  }
  const login = await told("auth/login", { body: { username: "admin", password: administratorPassword } });
  expect(login.status).toBe(200);
  look("a log-in", login.shown, { "CSRF token": user.csrfToken, session: [...user.cookies.values()].join() });
  const cut = await fetch(`${user.origin}/api/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: `{"username":"admin","password":"${administratorPassword}`,
  });
  look("a cut log-in", render(cut, await cut.text()));
  const weak = makeSecret("a weak password").toLowerCase();
  canaries.plant("a weak password", weak);
  look("a weak password", (await told("me/password", { body: { password: weak } })).shown);
  const token = await told("me/tokens", { body: { name: "canary" } });
  look("an API token", token.shown, { "API token": token.body.token });
  const bearer = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } });
  look("a token's call", (await told("me", bearer(token.body.token), stranger())).shown);
  look("a bad token's call", (await told("me", bearer(`${token.body.token}x`), stranger())).shown);
  look("a strange token", (await told("me", bearer(makeSecret("a strange token")), stranger())).shown);
  const totp = await told("me/totp", { method: "POST" });
  look("TOTP", totp.shown.replaceAll(/otpauth:[^"]*/g, ""), { "TOTP secret": totp.body.secret });
  const code = generateSync({ secret: totp.body.secret, epoch: Math.floor(Date.now() / 1000) - 30 });
  const enabled = await told("me/totp/enable", { body: { code } });
  const codes: readonly string[] = enabled.body.recoveryCodes;
  const recovery = Object.fromEntries(codes.map((each, index) => [`recovery code ${index}`, each]));
  look("recovery codes", enabled.shown, recovery);
  const again = stranger();
  const first = await told("auth/login", { body: { username: "admin", password: administratorPassword } }, again);
  look("a first step", first.shown, { challenge: first.body.challengeId });
  const { challengeId } = first.body;
  for (const tried of [makeSecret("a wrong code"), codes[0] ?? ""]) {
    look("a second step", (await told("auth/second-factor", { body: { challengeId, code: tried } }, again)).shown);
  }
  look("a used code", (await told("auth/second-factor", { body: { challengeId, code: codes[0] } }, stranger())).shown);
  const basic = (user_: string, secret: string) => ({
    headers: { authorization: `Basic ${btoa(`${user_}:${secret}`)}` },
  });
  look("bad Basic", (await told("me", basic(admin.accessKeyId, makeSecret("a bad Basic secret")), stranger())).shown);
  look("odd Basic", (await told("me", basic(makeSecret("a secret as an id"), "x"), stranger())).shown);
}

async function useCommands(when: string): Promise<void> {
  const reset = await server.runVerb("admin", ["reset-password", "admin"]);
  look(`reset-password ${when}`, reset.output, {
    [`one-time password ${when}`]: /^ {2}(\S{24})$/m.exec(reset.output)?.[1] ?? "",
  });
  const token = await server.runVerb("admin", ["create-token", "admin", "--name", when]);
  look(`create-token ${when}`, token.output, { [`token of the command line ${when}`]: token.output.trim() });
  const set = await server.runVerb("settings", ["set", "metrics.token", makeSecret(`metrics token ${when}`)]);
  expect(set.code).toBe(0);
  look(`settings set ${when}`, set.output);
  const bad = makeSecret(`bad metrics token ${when}`).repeat(20);
  const refused = await server.runVerb("settings", ["set", "metrics.token", bad]);
  expect(refused.code).toBe(1);
  look(`a refused setting ${when}`, refused.output);
  for (const words of [["get", "metrics.token"], ["list"]]) {
    look(`settings ${words} ${when}`, (await server.runVerb("settings", words)).output);
  }
  for (const verb of ["check", "audit verify", "admin list"]) {
    look(`${verb} ${when}`, (await server.runVerb(verb)).output);
  }
  const passphrase = makeSecret(`passphrase ${when}`);
  const bundle = await server.runWords(["keys", "export", "--data", server.dataDir], `${passphrase}\n`);
  expect(bundle.code).toBe(0);
  look(`keys export ${when}`, bundle.output);
}

test("canaries: no secret is in an answer that is not there to show it, in logs, audit, metrics or the data folder", async () => {
  canaries.plant("administrator's secret key", admin.secretKey);
  canaries.plant("administrator's password", administratorPassword);
  await useSettings();
  await useKeys();
  await signBadly();
  await useSessions();
  await useCustomerKeys();
  await explainDenial();
  await useLogIns();
  await useCommands("with a server");
  await lookEverywhere("while it runs");
  await server.kill9();
  lookAtDisk("after a kill");
  await useCommands("without a server");
  await server.start();
  await lookEverywhere("after the kill");
  await server.stop();
  lookAtDisk("after the end");
  expect(leaks).toEqual([]);
  expect(canaries.count).toBeGreaterThan(40);
  expect(answerCount).toBeGreaterThan(100);
}, 180_000);

test("canaries: the root key that the server makes is in its file and nowhere else", async () => {
  const other = await startServer();
  try {
    const own = new Canaries();
    const text = readFileSync(join(other.dataDir, "root.key"), "utf8");
    const [, encoded = ""] = /([A-Za-z0-9+/]{43}=)/.exec(text) ?? [];
    own.plant("root key", Buffer.from(encoded, "base64"));
    await other.stop();
    expect(own.findInFolder(other.dataDir)).toEqual(["root key in root.key"]);
    expect(own.findIn(other.output())).toEqual([]);
  } finally {
    await other.remove();
  }
}, 60_000);

test("canaries: what is there for all to read is found in each place that is searched", async () => {
  const other = await startServer({ env: { MAXIOFS_LOGGING_ACCESS_ENABLED: "true" } });
  try {
    const name = `canary-${crypto.randomUUID()}`;
    const own = new Canaries();
    own.plant("bucket", name);
    const url = `${other.endpoint}/${name}`;
    const headers = signRequest({ method: "PUT", url, region: "us-east-1", date: new Date(), ...other.credentials });
    const made = await fetch(url, { method: "PUT", headers });
    expect(own.findIn(render(made, await made.text()))).toEqual(["bucket"]);
    for (const path of ["/api/v1/audit/events", "/api/v1/audit/export?format=csv"]) {
      expect([path, own.findIn(await (await other.adminFetch(path)).text())]).toEqual([path, ["bucket"]]);
    }
    await other.stop();
    expect(own.findIn(other.output())).toEqual(["bucket"]);
    const found = own.findInFolder(other.dataDir);
    expect(found.filter((text) => text.startsWith("bucket in control.db"))).not.toEqual([]);
  } finally {
    await other.remove();
  }
}, 60_000);

test("canaries: a server whose output or data folder holds a secret of it fails its test", async () => {
  for (const [place, write] of [
    [
      "the output",
      (other: ServerProcess) => appendFileSync(join(other.dataDir, "../server.log"), administratorPassword),
    ],
    ["leak", (other: ServerProcess) => writeFileSync(join(other.dataDir, "leak"), other.credentials.secretKey)],
  ] as const) {
    const other = await startServer();
    write(other);
    const before = process.env["MAXIOFS_TEST_CANARIES"];
    process.env["MAXIOFS_TEST_CANARIES"] = "1";
    const reason = await other.remove().then(() => "", String);
    process.env["MAXIOFS_TEST_CANARIES"] = before ?? "";
    expect(reason).toContain(`in ${place}`);
  }
}, 60_000);
