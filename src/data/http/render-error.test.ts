import { afterAll, expect, test } from "bun:test";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { RequestHarness } from "#testing/request-harness.ts";
import { type ErrorPlace, renderError } from "./render-error.ts";

const harness = new RequestHarness();
await harness.open();
afterAll(() => harness.close());
const place: ErrorPlace = { requestId: "R", resource: "/b", isHead: false, closes: false };

function render(error: S3Error, change: Partial<ErrorPlace> = {}): Promise<Response> {
  return harness.run(({ response }) => renderError(response, error, { ...place, ...change }), {
    method: change.isHead ? "HEAD" : "GET",
  });
}

test("renderError: status, document and length; nothing behind a HEAD", async () => {
  const response = await render(new S3Error("NoSuchBucket"));
  expect([response.status, response.headers.get("content-type")]).toEqual([404, "application/xml"]);
  const text = await response.text();
  expect(text).toContain("<Code>NoSuchBucket</Code>");
  expect(response.headers.get("content-length")).toBe(String(Buffer.byteLength(text)));
  const head = await render(new S3Error("NoSuchBucket"), { isHead: true });
  expect([head.status, await head.text(), head.headers.get("content-length")]).toEqual([404, "", "0"]);
});

test("renderError: 503 says when to come again; an unread body closes the connection", async () => {
  expect((await render(new S3Error("SlowDown"))).headers.get("retry-after")).toBe("1");
  expect((await render(new S3Error("SlowDown", { headers: { "Retry-After": "30" } }))).headers.get("retry-after")).toBe(
    "30",
  );
  expect((await render(new S3Error("EntityTooLarge"), { closes: true })).headers.get("connection")).toBe("close");
});

test("renderError: a header never carries what a client could have sneaked in", async () => {
  const response = await render(
    new S3Error("AccessDenied", { headers: { "x-amz-bucket-region": "a\r\nSet-Cookie: b\u0000ü" } }),
  );
  expect([response.headers.get("x-amz-bucket-region"), response.headers.get("set-cookie")]).toEqual([
    "aSet-Cookie: b",
    null,
  ]);
});
