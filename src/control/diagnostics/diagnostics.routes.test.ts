import { expect, test } from "bun:test";
import { Elysia } from "elysia";
import type { DenialRecord } from "#kernel/protocol/diagnostics.ts";
import type { Caller } from "../http/caller.ts";
import { ControlError } from "../http/control-error.ts";
import { diagnosticsRoutes } from "./diagnostics.routes.ts";

const requestId = "0123456789ABCDEF";
const explained = (layer: "identityPolicy" | "bucketPolicy") => ({
  ...({ layer, effect: "Deny", applies: true, misses: [] } as const),
  ref: { policy: layer, index: 0, sid: undefined },
  conditions: [{ key: "aws:SourceIp", outcome: "holds", seen: "192.0.2.1" } as const],
});
/** A user of the tenant `guest` was refused an object of the tenant `owner`. */
const record: DenialRecord = {
  ...{ requestId, timeMs: 0, operation: "GetObject", action: "s3:GetObject", resource: "arn:aws:s3:::photos/a" },
  ...{ tenantId: "owner", caller: { arn: "arn:aws:iam::1:user/g", tenantId: "guest", accessKeyId: "AKIA" } },
  ...{ reason: null, omittedStatementCount: 3, context: { "aws:SourceIp": "192.0.2.1" } },
  explanation: {
    decision: { outcome: "explicitDeny", layer: "identityPolicy", by: explained("identityPolicy").ref },
    statements: [explained("identityPolicy"), explained("bucketPolicy")],
    missingKeys: ["aws:Referer"],
    suggestion: undefined,
  },
};

/** A caller. */
interface Viewer {
  readonly tenantId: string;
  readonly global?: boolean;
}

/** The answer when workers have found this. */
async function request(viewer: Viewer, path: string, found: { records: readonly object[]; isComplete: boolean }) {
  // biome-ignore lint/suspicious/noExplicitAny: the kinds of records are told apart by the name alone
  const questions = { find: async () => found as any };
  const callerOf = () => ({ global: false, ...viewer }) as Caller;
  const app = new Elysia()
    .onError(({ error, set }) => {
      set.status = error instanceof ControlError ? error.status : 400;
      return { detail: String(error) };
    })
    .use(diagnosticsRoutes({ questions, callerOf }));
  const response = await app.handle(new Request(`http://localhost/api/v1/diagnostics/${path}?requestId=${requestId}`));
  return { status: response.status, body: await response.json() };
}

function ask(viewer: Viewer, changes: readonly Partial<DenialRecord>[], isComplete = true) {
  const records = changes.map((change) => ({ ...record, ...change }));
  return request(viewer, "denials", { records, isComplete });
}

test("denials: global administrators see all; a bucket's owner that a stranger was refused, not the stranger's policies", async () => {
  const all = await ask({ tenantId: "other", global: true }, [{}]);
  expect(all.body.items).toMatchObject([
    {
      ...{ requestId, action: "s3:GetObject", time: "1970-01-01T00:00:00.000Z", ownerTenantId: "owner" },
      decision: { outcome: "explicitDeny", layer: "identityPolicy", statement: { policy: "identityPolicy", index: 0 } },
      statements: [{ policy: "identityPolicy" }, { policy: "bucketPolicy" }],
      ...{ missingKeys: ["aws:Referer"], omittedStatementCount: 3, context: { "aws:SourceIp": "192.0.2.1" } },
    },
  ]);
  const owner = await ask({ tenantId: "owner" }, [{}]);
  expect(owner.body.items[0]).toMatchObject({
    ...{ caller: { tenantId: "guest" }, decision: { outcome: "explicitDeny", layer: "identityPolicy" } },
    ...{ missingKeys: [], omittedStatementCount: 0, context: {}, suggestion: null },
  });
  expect(owner.body.items[0].decision).not.toHaveProperty("statement");
  expect(owner.body.items[0].statements.map(({ policy }: { policy: string }) => policy)).toEqual(["bucketPolicy"]);
  const own = await ask({ tenantId: "owner" }, [{ caller: { ...record.caller, tenantId: "owner" } }]);
  expect(own.body.items[0].statements).toHaveLength(2);
});

test("denials: for whoever does not own what was asked for there is nothing, as for an unknown request", async () => {
  const guest = await ask({ tenantId: "guest" }, [{}]);
  const unknown = await ask({ tenantId: "guest" }, []);
  expect([guest.status, unknown.status]).toEqual([404, 404]);
  expect(guest.body).toEqual(unknown.body);
  expect((await ask({ tenantId: "guest" }, [{ tenantId: null }])).status).toBe(404);
  expect((await ask({ tenantId: "guest" }, [], false)).status).toBe(503);
});

test("signatures: the key's tenant and global administrators see them, nobody else that they are there", async () => {
  const texts = { canonicalRequest: "GET", stringToSign: "AWS4" };
  const found = (tenantId: string | null) => ({
    records: [{ requestId, timeMs: 0, accessKeyId: "AKIA", tenantId, ...texts }],
    isComplete: true,
  });
  const shown = { requestId, time: "1970-01-01T00:00:00.000Z", accessKeyId: "AKIA", ...texts };
  for (const [viewer, owner, status] of [
    [{ tenantId: "owner" }, "owner", 200],
    [{ tenantId: "other" }, "owner", 404],
    [{ tenantId: "other" }, null, 404],
    [{ tenantId: "other", global: true }, null, 200],
  ] as const) {
    const answer = await request(viewer, "signatures", found(owner));
    expect(answer.status).toBe(status);
    if (status === 200) expect(answer.body).toEqual(shown);
  }
});
