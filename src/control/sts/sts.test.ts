import { afterEach, expect, test } from "bun:test";
import { maxCredentialLinks } from "#kernel/policy/credential-link.ts";
import { maxSessionTokenLength } from "#kernel/sts/session-token.ts";
import { closeAudits } from "#testing/opened-audit.ts";
import {
  askSts,
  assumeOrder,
  contentOf,
  issueSession,
  type OpenedSts,
  openSts,
  stsIds,
  tokenOrder,
} from "#testing/opened-sts.ts";
import { testIssuedAtMs } from "#testing/session-content.ts";

afterEach(closeAudits);
const { userId, roleId, keyId, roleArn, otherRoleArn, otherKeyId, accountId } = stsIds;
const allowAll = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}';

async function codeOf(answer: ReturnType<typeof askSts>): Promise<string> {
  const found = await answer;
  return found.kind === "refused" ? found.code : "issued";
}

function trusts(principal: object | string, more: object = {}) {
  return [{ Effect: "Allow", Principal: principal, Action: "sts:*", ...more }];
}

function attach({ publisher }: OpenedSts, id: string, text: string): Promise<number> {
  const user = publisher.entries("user").get(id);
  if (user === undefined) throw new Error("There is no such user");
  return publisher.publish([{ kind: "user", id, value: { ...user, inlinePolicies: [{ name: "p", text }] } }]);
}

test("Sts: a role's session is of the role, for an hour; a user's own is of the user, for twelve", async () => {
  const opened = await openSts();
  const assumed = await issueSession(opened, assumeOrder());
  expect(assumed).toMatchObject({
    assumed: { arn: `arn:aws:sts::${accountId}:assumed-role/builder/nightly`, id: `${roleId}:nightly` },
    expiresAtMs: testIssuedAtMs + 3_600_000,
    packedPercent: undefined,
  });
  expect(assumed.accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
  expect(contentOf(opened.publisher, assumed)).toMatchObject({
    ...{ principalId: roleId, keyId, lineage: [userId], chain: [], mfaAtMs: null },
  });
  const own = await issueSession(opened, tokenOrder());
  expect(own.expiresAtMs).toBe(testIssuedAtMs + 43_200_000);
  expect(contentOf(opened.publisher, own)).toMatchObject({ principalId: userId, sessionName: "", lineage: [] });
});

test("Sts: durations end at the role's maximum, at 3,600 s for chained roles, at the setting, at the end of the key", async () => {
  const opened = await openSts({ maxSessionSeconds: 7200, trust: trusts({ AWS: [userId, roleId] }) });
  const ask = (durationSeconds: number, as?: Parameters<typeof askSts>[2]) =>
    codeOf(askSts(opened, assumeOrder({ durationSeconds }), as));
  expect([await ask(7200), await ask(7201)]).toEqual(["issued", "ValidationError"]);
  const first = await issueSession(opened, assumeOrder());
  expect([await ask(3600, first), await ask(3601, first)]).toEqual(["issued", "ValidationError"]);
  const own = await issueSession(opened, tokenOrder());
  expect(await ask(7200, own)).toBe("issued");
  const capped = await openSts({ maxSeconds: 1000 });
  expect((await issueSession(capped, tokenOrder())).expiresAtMs).toBe(testIssuedAtMs + 1_000_000);
  expect((await issueSession(capped, assumeOrder({ durationSeconds: 900 }))).expiresAtMs).toBe(
    testIssuedAtMs + 900_000,
  );
  const ending = await openSts({ keyExpiresAtMs: testIssuedAtMs + 1 });
  expect((await issueSession(ending, tokenOrder())).expiresAtMs).toBe(testIssuedAtMs + 1);
});

test("Sts: the trust policy decides: who is named, for what, under which conditions", async () => {
  const ask = async (trust: readonly object[], change: Parameters<typeof assumeOrder>[0] = {}) =>
    codeOf(askSts(await openSts({ trust }), assumeOrder(change)));
  const denied = "AccessDenied";
  expect(await ask(trusts({ AWS: roleId }))).toBe(denied);
  expect(await ask(trusts("*"))).toBe("issued");
  expect(await ask(trusts({ AWS: accountId }))).toBe(denied);
  expect(await ask([...trusts({ AWS: userId }), { Effect: "Deny", Principal: "*", Action: "sts:AssumeRole" }])).toBe(
    denied,
  );
  expect(await ask(trusts({ AWS: userId }), { roleArn: `${roleArn}x` })).toBe(denied);
  const withId = trusts({ AWS: userId }, { Condition: { StringEquals: { "sts:ExternalId": "e1" } } });
  expect([await ask(withId, { externalId: "e1" }), await ask(withId, { externalId: "e2" }), await ask(withId)]).toEqual(
    [...["issued", denied, denied]],
  );
  const values = {
    ...{
      "sts:RoleSessionName": "nightly",
      "aws:username": "carol",
      "aws:SourceIp": "192.0.2.7",
      "aws:ResourceTag/stage": "prod",
    },
  };
  const wrong = { StringEquals: { ...values, "aws:username": "dave" } };
  expect(await ask(trusts({ AWS: userId }, { Condition: wrong }))).toBe(denied);
  const { "aws:SourceIp": address, ...texts } = values;
  const conditions = {
    StringEquals: texts,
    IpAddress: { "aws:SourceIp": address },
    Bool: { "aws:SecureTransport": "false" },
  };
  expect(await ask(trusts({ AWS: userId }, { Condition: conditions }))).toBe("issued");
  const alone = [{ Effect: "Allow", Principal: { AWS: userId }, Action: "sts:AssumeRole" }];
  expect(await ask(alone)).toBe("issued");
  expect(await ask(alone, { tags: [["a", "b"]] })).toBe(denied);
  expect(await ask(alone, { sourceIdentity: "me" })).toBe(denied);
});

test("Sts: a name in a stored trust policy is nobody: who bears it later inherits nothing", async () => {
  const opened = await openSts({ trust: trusts({ AWS: `arn:aws:iam::${accountId}:user/carol` }) });
  expect(await codeOf(askSts(opened, assumeOrder()))).toBe("AccessDenied");
});

test("Sts: an account that is named delegates to its users' policies, a foreign role needs both sides", async () => {
  const own = await openSts({ trust: trusts({ AWS: accountId }) });
  await attach(own, userId, allowAll);
  expect(await codeOf(askSts(own, assumeOrder()))).toBe("issued");
  const foreign = await openSts({ trust: trusts({ AWS: userId }) });
  const ask = (as?: string) => codeOf(askSts(foreign, assumeOrder({ roleArn: otherRoleArn }), as));
  expect(await ask()).toBe("AccessDenied");
  await attach(foreign, userId, allowAll);
  expect([await ask(), await ask(otherKeyId)]).toEqual(["issued", "AccessDenied"]);
});

test("Sts: what narrows a credential narrows its sessions, and may forbid them", async () => {
  const none = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}';
  expect(await codeOf(askSts(await openSts({ narrowing: [none] }), assumeOrder()))).toBe("AccessDenied");
  const opened = await openSts({ narrowing: [allowAll] });
  const { publisher } = opened;
  const user = publisher.entries("user").get(userId);
  if (user)
    await publisher.publish([
      { kind: "user", id: userId, value: { ...user, boundaryPolicyId: "arn:aws:iam::aws:policy/consoleAdmin" } },
    ]);
  const policies = { text: none, arns: ["arn:aws:iam::aws:policy/readonly"] };
  const assumed = await issueSession(opened, assumeOrder({ policies }));
  expect(assumed.packedPercent).toBeGreaterThan(0);
  expect(contentOf(publisher, assumed).chain).toEqual([
    { layer: "keyPolicy", texts: [allowAll], policyIds: [] },
    { layer: "boundary", texts: [], policyIds: ["arn:aws:iam::aws:policy/consoleAdmin"] },
    { layer: "sessionPolicy", texts: [none], policyIds: ["arn:aws:iam::aws:policy/readonly"] },
  ]);
  for (const arn of ["arn:aws:iam::aws:policy/none", `arn:aws:iam::${accountId}:policy/none`]) {
    expect(await codeOf(askSts(opened, assumeOrder({ policies: { text: undefined, arns: [arn] } })))).toBe(
      "ValidationError",
    );
  }
});

test("Sts: a credential carries so many links and no more; a token has 4 KiB and no more", async () => {
  const texts = (count: number) => Array.from({ length: count }, (_, at) => `${allowAll}${" ".repeat(at)}`);
  const asLinks = async (count: number) => codeOf(askSts(await openSts({ narrowing: texts(count) }), assumeOrder()));
  expect([await asLinks(maxCredentialLinks), await asLinks(maxCredentialLinks + 1)]).toEqual([
    "issued",
    "PackedPolicyTooLarge",
  ]);
  const opened = await openSts();
  const sized = (length: number) => {
    const keys = Array.from({ length: 16 }, (_, at): [string, string] => [
      `k${at}`,
      "v".repeat(Math.min(256, Math.max(0, length - at * 256))),
    ]);
    return askSts(
      opened,
      assumeOrder({ tags: keys, sourceIdentity: "i".repeat(64), policies: { text: allowAll, arns: [] } }),
    );
  };
  let length = 3000;
  while ((await codeOf(sized(length))) !== "issued") length--;
  const last = await sized(length);
  expect(last.kind === "issued" && last.sessionToken.length).toBeWithin(
    maxSessionTokenLength - 2,
    maxSessionTokenLength + 1,
  );
  expect(await codeOf(sized(length + 1))).toBe("PackedPolicyTooLarge");
});

test("Sts: transitive tags and the source identity go on to the next role and cannot be changed", async () => {
  const opened = await openSts({ trust: trusts({ AWS: [userId, roleId] }) });
  const tags = [
    ["team", "blue"],
    ["cost", "7"],
  ] as const;
  const first = await issueSession(opened, assumeOrder({ tags, transitiveTagKeys: ["Team"], sourceIdentity: "carol" }));
  const next = await issueSession(opened, assumeOrder({ tags: [["cost", "8"]] }), first);
  expect(contentOf(opened.publisher, next)).toMatchObject({
    tags: [
      ["team", "blue"],
      ["cost", "8"],
    ],
    transitiveTagKeys: ["team"],
    sourceIdentity: "carol",
    lineage: [userId, roleId, first.accessKeyId],
  });
  expect(await codeOf(askSts(opened, assumeOrder({ tags: [["TEAM", "red"]] }), first))).toBe("ValidationError");
  expect(await codeOf(askSts(opened, assumeOrder({ sourceIdentity: "dave" }), first))).toBe("AccessDenied");
});

test("Sts: a second factor counts when its code is right and its device the user's own; conditions see it", async () => {
  const condition = {
    Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" }, NumericLessThan: { "aws:MultiFactorAuthAge": "60" } },
  };
  const opened = await openSts({ code: "123456", trust: trusts({ AWS: userId }, condition) });
  const proof = (code: string, name = "carol") => ({ serialNumber: `arn:aws:iam::${accountId}:mfa/${name}`, code });
  const ask = (mfa: ReturnType<typeof proof> | undefined) => codeOf(askSts(opened, assumeOrder({ mfa })));
  expect([
    await ask(undefined),
    await ask(proof("123456")),
    await ask(proof("000000")),
    await ask(proof("123456", "dave")),
  ]).toEqual([...["AccessDenied", "issued", "AccessDenied", "AccessDenied"]]);
  const own = await issueSession(opened, tokenOrder({ mfa: proof("123456") }));
  expect(contentOf(opened.publisher, own)).toMatchObject({ mfaAtMs: testIssuedAtMs, chain: [] });
  expect(await codeOf(askSts(opened, assumeOrder(), own))).toBe("issued");
  opened.clock.advance(60_000);
  expect(await codeOf(askSts(opened, assumeOrder(), own))).toBe("AccessDenied");
  const plain = contentOf(opened.publisher, await issueSession(opened, tokenOrder()));
  expect(plain.chain.map(({ texts }) => texts.join())).toEqual([expect.stringContaining('"NotAction":"iam:*"')]);
});

test("Sts: sessions get no session token; keys and sessions that went meanwhile get nothing", async () => {
  const opened = await openSts();
  const { publisher, clock, sessions } = opened;
  const own = await issueSession(opened, tokenOrder({ durationSeconds: 900 }));
  expect(await codeOf(askSts(opened, tokenOrder(), own))).toBe("AccessDenied");
  expect(await codeOf(askSts(opened, tokenOrder(), "AKIANOBODY"))).toBe("InvalidClientTokenId");
  await sessions.revoke("T1", own.accessKeyId, { actor: { kind: "user", id: "a", name: "a" }, via: "api" });
  expect(await codeOf(askSts(opened, assumeOrder(), own))).toBe("ExpiredToken");
  const other = await issueSession(opened, tokenOrder({ durationSeconds: 900 }));
  clock.advance(900_000);
  expect(await codeOf(askSts(opened, assumeOrder(), other))).toBe("ExpiredToken");
  const [key, user] = [publisher.keys.get(keyId), publisher.entries("user").get(userId)];
  if (user) await publisher.publish([{ kind: "user", id: userId, value: { ...user, status: "suspended" } }]);
  expect(await codeOf(askSts(opened, tokenOrder()))).toBe("AccessDenied");
  if (key) await publisher.publish([{ kind: "key", id: keyId, value: { ...key, enabled: false } }]);
  expect(await codeOf(askSts(opened, tokenOrder()))).toBe("InvalidClientTokenId");
});

test("Sts: each session and each refusal is an event; secrets and tokens are in no table", async () => {
  const opened = await openSts();
  const issued = await issueSession(opened, assumeOrder());
  await askSts(opened, assumeOrder({ roleArn: `${roleArn}x` }));
  await opened.trail.flush();
  const events = await opened.database.all("SELECT body FROM audit_events ORDER BY seq");
  const bodies = events.map(({ body }) => JSON.parse(String(body)));
  expect(bodies).toMatchObject([
    { action: "sts:AssumeRole", outcome: "success", resource: { kind: "role", id: roleId, arn: roleArn }, via: "s3" },
    { action: "sts:AssumeRole", outcome: "denied", code: "AccessDenied", actor: { accessKeyId: keyId } },
  ]);
  for (const table of ["SELECT * FROM audit_events", "SELECT * FROM sts_sessions", "SELECT * FROM token_keys"]) {
    const text = JSON.stringify(await opened.database.all(table));
    expect([text.includes(issued.secretKey), text.includes(issued.sessionToken)]).toEqual([false, false]);
  }
});

test("Sts: credentials of an entered tenant are listed and revoked there, and give out no others", async () => {
  const opened = await openSts({ trust: trusts("*") });
  const { publisher, sessions, sts } = opened;
  const user = publisher.entries("user").get(userId);
  const tenant = publisher.entries("tenant").get(stsIds.otherTenantId);
  if (user === undefined || tenant === undefined) throw new Error("There is no such user or tenant");
  await publisher.publish([{ kind: "user", id: userId, value: { ...user, global: true } }]);
  const caller: Parameters<typeof sts.enter>[0]["caller"] = {
    ...{ userId, userName: "carol", tenantId: stsIds.tenantId, global: true, narrowing: [], mfa: true },
    ...{ freshProof: true, secure: false, address: "192.0.2.7", agent: "test", requestId: "R" },
    via: "console",
  };
  const entered = await sts.enter({ caller, tenant, reason: "help", readOnly: false });
  const page = { limit: 10, cursor: "", q: "", sort: undefined };
  expect((await sessions.list(stsIds.tenantId, page)).items).toEqual([]);
  const shown = async () =>
    (await sessions.list(stsIds.otherTenantId, page)).items.map(({ sessionId, state }) => [sessionId, state]);
  expect(await shown()).toEqual([[entered.accessKeyId, "active"]]);
  const as = {
    kind: "issued",
    ...entered,
    assumed: undefined,
    sourceIdentity: undefined,
    packedPercent: undefined,
  } as const;
  expect(await codeOf(askSts(opened, assumeOrder({ roleArn: otherRoleArn }), as))).toBe("AccessDenied");
  expect(await codeOf(askSts(opened, tokenOrder(), as))).toBe("AccessDenied");
  const origin = { actor: { kind: "system", id: "", name: "" }, via: "system" } as const;
  await sessions.revoke(stsIds.otherTenantId, entered.accessKeyId, origin);
  expect(await shown()).toEqual([[entered.accessKeyId, "revoked"]]);
});
