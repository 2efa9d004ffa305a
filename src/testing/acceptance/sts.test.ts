import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { hasPythonModule, hasTool, runTool, type ToolResult } from "./client-tool.ts";
import { expectChecks, runPython } from "./python-client.ts";
import { clientOf } from "./s3-client.ts";
import { findUserId, storeRole } from "./stored-role.ts";

const isMissing = !hasTool("aws");
const server = await startServer();
// The policy of a key narrows every session it begins: it must allow to begin one, too.
const user = await server.createKey("carol", [
  { actions: ["s3:*"], resources: ["arn:aws:s3:::sts-*"] },
  { actions: ["sts:*"], resources: ["*"] },
]);
const userId = findUserId(server, "carol");
const role = await storeRole(server, {
  name: "Uploader",
  trust: {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { AWS: userId },
        Action: ["sts:AssumeRole", "sts:TagSession"],
        Condition: { StringEquals: { "sts:ExternalId": "invoice-7" } },
      },
    ],
  },
  policy: {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "s3:*", Resource: ["arn:aws:s3:::sts-a", "arn:aws:s3:::sts-a/*"] }],
  },
});
const s3 = clientOf(server);
for (const bucket of ["sts-a", "sts-b"]) await s3.createBucket(bucket);
afterAll(async () => {
  s3.close();
  await server.remove();
});

interface Credentials {
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly SessionToken: string;
}

function environmentOf({ AccessKeyId, SecretAccessKey, SessionToken }: Credentials): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: AccessKeyId,
    AWS_SECRET_ACCESS_KEY: SecretAccessKey,
    ...(SessionToken === "" ? {} : { AWS_SESSION_TOKEN: SessionToken }),
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_MAX_ATTEMPTS: "1",
  };
}

const longTerm = { AccessKeyId: user.accessKeyId, SecretAccessKey: user.secretKey, SessionToken: "" };

function aws(credentials: Credentials, ...command: readonly string[]): Promise<ToolResult> {
  const env = environmentOf(credentials);
  return runTool(["aws", "--endpoint-url", server.endpoint, ...command], { env, timeoutSeconds: 120 });
}

async function readAnswer(result: Promise<ToolResult>) {
  const { code, stdout, stderr } = await result;
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

function assumeRole(credentials: Credentials, ...more: readonly string[]) {
  const name = ["--role-arn", role.arn, "--role-session-name", "nightly"];
  return aws(credentials, "sts", "assume-role", ...name, "--external-id", "invoice-7", ...more);
}

test.skipIf(isMissing)(
  "aws sts: who a key, a user's session and a role's session are",
  async () => {
    const identityOf = (credentials: Credentials) => readAnswer(aws(credentials, "sts", "get-caller-identity"));
    const arn = `arn:aws:iam::${role.accountId}:user/carol`;
    expect(await identityOf(longTerm)).toEqual({ UserId: userId, Account: role.accountId, Arn: arn });
    const own = await readAnswer(aws(longTerm, "sts", "get-session-token", "--duration-seconds", "900"));
    expect(await identityOf(own.Credentials)).toEqual({ UserId: userId, Account: role.accountId, Arn: arn });
    const assumed = await readAnswer(assumeRole(own.Credentials));
    const assumedArn = `arn:aws:sts::${role.accountId}:assumed-role/Uploader/nightly`;
    expect(assumed.AssumedRoleUser).toEqual({ AssumedRoleId: `${role.roleId}:nightly`, Arn: assumedArn });
    expect(await identityOf(assumed.Credentials)).toEqual({
      ...{ UserId: `${role.roleId}:nightly`, Account: role.accountId, Arn: assumedArn },
    });
  },
  180_000,
);

test.skipIf(isMissing)(
  "aws sts: a role's session has the role's rights, narrowed by a session policy; presigned URLs carry them",
  async () => {
    const { Credentials: full } = await readAnswer(assumeRole(longTerm));
    const put = (credentials: Credentials, bucket: string) =>
      aws(credentials, "s3api", "put-object", "--bucket", bucket, "--key", "k");
    expect((await put(full, "sts-a")).code).toBe(0);
    expect((await put(full, "sts-b")).stderr).toContain("AccessDenied");
    const policy = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: "*" }] };
    const { Credentials: narrow, PackedPolicySize: percent } = await readAnswer(
      assumeRole(longTerm, "--policy", JSON.stringify(policy), "--tags", "Key=team,Value=blue"),
    );
    expect(percent).toBeGreaterThan(0);
    expect((await put(narrow, "sts-a")).stderr).toContain("no session policy allows the s3:PutObject action");
    const url = await aws(narrow, "s3", "presign", "s3://sts-a/k");
    expect((await fetch(url.stdout.trim())).status).toBe(200);
    const withoutToken = new URL(url.stdout.trim());
    for (const name of ["X-Amz-Security-Token", "x-amz-security-token"]) withoutToken.searchParams.delete(name);
    expect((await fetch(withoutToken)).status).toBe(403);
  },
  180_000,
);

test.skipIf(isMissing)(
  "aws sts: what is refused, as the client shows it",
  async () => {
    const wrongId = assumeRole(longTerm, "--external-id", "invoice-8");
    expect((await wrongId).stderr).toContain(
      `(AccessDenied) when calling the AssumeRole operation: User: arn:aws:iam::${role.accountId}:user/carol is not authorized to perform: sts:AssumeRole on resource: ${role.arn}`,
    );
    expect((await assumeRole(longTerm, "--duration-seconds", "3601")).stderr).toContain("(ValidationError)");
    const own = await readAnswer(aws(longTerm, "sts", "get-session-token"));
    expect((await aws(own.Credentials, "sts", "get-session-token")).stderr).toContain("(AccessDenied)");
    const bent = { ...own.Credentials, SessionToken: `${own.Credentials.SessionToken}A` };
    expect((await aws(bent, "sts", "get-caller-identity")).stderr).toContain("(InvalidClientTokenId)");
    expect((await aws(bent, "s3api", "list-objects-v2", "--bucket", "sts-a")).stderr).toContain("(InvalidToken)");
    const wrongSecret = { ...longTerm, SecretAccessKey: "wrong-secret-of-this-key" };
    expect((await aws(wrongSecret, "sts", "get-caller-identity")).stderr).toContain("(SignatureDoesNotMatch)");
    const federated = aws(longTerm, "sts", "get-federation-token", "--name", "someone");
    expect((await federated).stderr).toContain("(InvalidAction)");
    const factor = ["--serial-number", "arn:aws:iam::1:mfa/c", "--token-code", "123456"];
    expect((await aws(longTerm, "sts", "get-session-token", ...factor)).stderr).toContain("(AccessDenied)");
  },
  180_000,
);

test.skipIf(isMissing)(
  "revocation: a session revoked over the API, and all of a user, are refused when the call returns",
  async () => {
    const list = async () => (await (await server.adminFetch("/api/v1/sts-sessions?limit=1000")).json()).items;
    const { Credentials: one } = await readAnswer(assumeRole(longTerm));
    const { Credentials: other } = await readAnswer(assumeRole(longTerm));
    expect((await aws(one, "s3api", "list-objects-v2", "--bucket", "sts-a")).code).toBe(0);
    const listed = (await list()).find((session: { sessionId: string }) => session.sessionId === one.AccessKeyId);
    expect(listed).toMatchObject({
      principalId: role.roleId,
      sessionName: "nightly",
      issuedBy: userId,
      state: "active",
    });
    const gone = await server.adminFetch(`/api/v1/sts-sessions/${one.AccessKeyId}`, { method: "DELETE" });
    expect(gone.status).toBe(204);
    expect((await aws(one, "s3api", "list-objects-v2", "--bucket", "sts-a")).stderr).toContain("(ExpiredToken)");
    expect((await aws(other, "s3api", "list-objects-v2", "--bucket", "sts-a")).code).toBe(0);
    const body = JSON.stringify({ principalId: userId });
    const headers = { "content-type": "application/json" };
    const all = await server.adminFetch("/api/v1/sts-sessions/revoke", { method: "POST", headers, body });
    expect(all.status).toBe(200);
    expect((await aws(other, "s3api", "list-objects-v2", "--bucket", "sts-a")).stderr).toContain("(ExpiredToken)");
    expect((await list()).every((session: { state: string }) => session.state === "revoked")).toBe(true);
    expect((await aws(longTerm, "s3api", "list-objects-v2", "--bucket", "sts-a")).code).toBe(0);
  },
  180_000,
);

test.skipIf(isMissing)(
  "security.sts_max_session_duration: no session lives longer, from the answer of its change on",
  async () => {
    const setMax = async (seconds: number | null) => {
      const body = JSON.stringify({ "security.sts_max_session_duration": seconds });
      const headers = { "content-type": "application/json", "if-match": "*" };
      expect((await server.adminFetch("/api/v1/settings", { method: "PATCH", headers, body })).status).toBe(200);
    };
    await setMax(900);
    const before = Date.now();
    const { Credentials: own } = await readAnswer(aws(longTerm, "sts", "get-session-token"));
    const lifeMs = Date.parse(own.Expiration) - before;
    await setMax(null);
    expect([lifeMs > 0, lifeMs < 3_600_000]).toEqual([true, true]);
  },
  180_000,
);

test.skipIf(!hasPythonModule("boto3"))(
  "boto3: temporary credentials write, read, presign and refuse",
  async () => {
    const { endpoint } = server;
    const target = { endpoint, credentials: user };
    expectChecks(await runPython("sts-scenario.py", target, role.arn), 8);
  },
  120_000,
);
