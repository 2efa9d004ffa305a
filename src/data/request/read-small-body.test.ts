import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { RequestHarness } from "#testing/request-harness.ts";
import { BodyBudget } from "./body-budget.ts";
import { readSmallBody } from "./read-small-body.ts";

const harness = new RequestHarness();
await harness.open();
afterAll(() => harness.close());

async function read(
  body: string | ReadableStream | undefined,
  headers: Record<string, string> = {},
  requireDigest = false,
): Promise<string> {
  const response = await harness.run(
    async (request) => {
      const bytes = await readSmallBody(request, 1_000, { requireDigest });
      request.response.end(bytes);
    },
    { method: "PUT", headers, ...(body === undefined ? {} : { body }) },
  );
  return response.text();
}

test("readSmallBody: the whole body, also in pieces and without a length; empty without one", async () => {
  expect(await read("<a/>")).toBe("<a/>");
  expect(await read(undefined)).toBe("");
  const pieces = new ReadableStream({
    async start(controller) {
      for (const piece of ["<a>", "b", "</a>"]) {
        controller.enqueue(Buffer.from(piece));
        await Bun.sleep(5);
      }
      controller.close();
    },
  });
  expect(await read(pieces)).toBe("<a>b</a>");
});

test("readSmallBody: one byte more than allowed is refused, with a length and without", async () => {
  expect((await read("x".repeat(1_000))).length).toBe(1_000);
  expect(await read("x".repeat(1_001))).toBe("MaxMessageLengthExceeded");
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(Buffer.alloc(600)),
  });
  expect(["MaxMessageLengthExceeded", ""]).toContain(await read(endless).catch(() => ""));
});

test("readSmallBody: a digest is asked for where one must be sent, and verified wherever one is", async () => {
  const md5 = createHash("md5").update("<a/>").digest("base64");
  expect(await read("<a/>", {}, true)).toBe("InvalidRequest");
  expect(await read("<a/>", { "content-md5": md5 }, true)).toBe("<a/>");
  expect(await read("<b/>", { "content-md5": md5 })).toBe("BadDigest");
  expect(await read("<b/>", { "x-amz-checksum-crc32": "AAAAAA==" })).toBe("BadDigest");
});

test("readSmallBody: what is gathered counts until the request ends; what the worker never has room for is SlowDown", async () => {
  const seen: number[] = [];
  const take = async (body: string, otherBytes: number) => {
    const bodyBudget = new BodyBudget(10, { waitMs: 20, share: 1 });
    const response = await harness.run(
      async (request) => {
        void bodyBudget.take(otherBytes, "a");
        try {
          await readSmallBody(request, 1_000);
          request.response.end("taken");
        } finally {
          seen.push(bodyBudget.usedBytes - otherBytes);
          request.endGathering();
          request.endGathering();
          seen.push(bodyBudget.usedBytes - otherBytes);
        }
      },
      { method: "PUT", body, plane: { bodyBudget } },
    );
    return response.text();
  };
  expect(await take("12345", 5)).toBe("taken");
  expect(await take("123456", 5)).toBe("SlowDown");
  expect(seen).toEqual([5, 0, 0, 0]);
});
