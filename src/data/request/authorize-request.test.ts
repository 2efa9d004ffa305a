import { afterAll, expect, test } from "bun:test";
import { operations, operationTable } from "#kernel/s3/operation-table.ts";
import type { Grant } from "#testing/identities.ts";
import { harnessBucket, identityWith, RequestHarness } from "#testing/request-harness.ts";
import { authorizeRequest } from "./authorize-request.ts";
import type { RequestParts } from "./s3-request.ts";

const harness = new RequestHarness();
await harness.open();
afterAll(() => harness.close());

/** "allowed", or the code of the refusal. */
async function ask(
  parts: Partial<RequestParts>,
  headers: Record<string, string> = {},
  path = "/bucket/key",
): Promise<string> {
  const response = await harness.run(
    (request) => {
      authorizeRequest(request);
      request.response.end("allowed");
    },
    { path, parts, headers },
  );
  return response.text();
}

function holder(grants: readonly Grant[], accountId = harnessBucket.accountId): Pick<RequestParts, "identity"> {
  return { identity: identityWith(grants, { accountId }) };
}

const everything: Grant = { actions: ["*"], resources: ["*"] };
const pathOf = { any: "/", service: "/", bucket: "/bucket", key: "/bucket/key" } as const;

test("authorizeRequest: every operation is refused to nobody, to a key without grants and to a key of another tenant", async () => {
  for (const spec of operations) {
    if (
      !spec.actions.some(
        ({ when, on }) => when === undefined && on !== "source" && (on !== "key" || spec.level === "key"),
      )
    )
      continue;
    const path = pathOf[spec.level];
    expect([spec.name, await ask({ spec, identity: { kind: "anonymous" } }, {}, path)]).toEqual([
      spec.name,
      "AccessDenied",
    ]);
    expect([spec.name, await ask({ spec, ...holder([]) }, {}, path)]).toEqual([spec.name, "AccessDenied"]);
    expect([spec.name, await ask({ spec, ...holder([everything]) }, {}, path)]).toEqual([spec.name, "allowed"]);
    if (spec.actions.some(({ on }) => on === "service") || spec.name === "CreateBucket") continue;
    const foreign = holder([everything], "210987654321");
    expect([spec.name, await ask({ spec, ...foreign }, {}, path)]).toEqual([spec.name, "AccessDenied"]);
  }
});

test("authorizeRequest: with a version id the version's action is asked for", async () => {
  const spec = operationTable.GetObject;
  const plain = holder([{ actions: ["s3:GetObject"], resources: ["*"] }]);
  expect(await ask({ spec, ...plain })).toBe("allowed");
  expect(await ask({ spec, ...plain }, {}, "/bucket/key?versionId=v")).toBe("AccessDenied");
  expect(
    await ask(
      { spec, ...holder([{ actions: ["s3:GetObjectVersion"], resources: ["*"] }]) },
      {},
      "/bucket/key?versionId=v",
    ),
  ).toBe("allowed");
});

test("authorizeRequest: a header that does more asks for more", async () => {
  const spec = operationTable.PutObject;
  const put = holder([{ actions: ["s3:PutObject"], resources: ["arn:aws:s3:::bucket/*"] }]);
  expect(await ask({ spec, ...put })).toBe("allowed");
  expect(await ask({ spec, ...put }, { "x-amz-tagging": "a=b" })).toBe("AccessDenied");
  expect(await ask({ spec, ...put }, { "x-amz-acl": "private" })).toBe("allowed");
  expect(await ask({ spec, ...put }, { "x-amz-acl": "public-read" })).toBe("AccessDenied");
  expect(await ask({ spec, ...put }, { "x-amz-grant-read": "id=1" })).toBe("AccessDenied");
});

test("authorizeRequest: a missing bucket is told only where the operation needs it", async () => {
  const administrator = holder([everything]);
  expect(await ask({ spec: operationTable.GetObject, ...administrator }, {}, "/other/key")).toBe("NoSuchBucket");
  expect(await ask({ spec: operationTable.CreateBucket, ...administrator }, {}, "/other")).toBe("allowed");
  expect(await ask({ spec: operationTable.HeadBucket, ...holder([]), bucketEntry: harnessBucket }, {}, "/bucket")).toBe(
    "AccessDenied",
  );
});
