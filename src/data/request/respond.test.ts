import { afterAll, expect, test } from "bun:test";
import { RequestHarness } from "#testing/request-harness.ts";
import { commonHeaders, respondEmpty, respondXml } from "./respond.ts";

const harness = new RequestHarness();
await harness.open();
afterAll(() => harness.close());

test("respondEmpty: no body, the common headers, a length where HTTP allows one", async () => {
  for (const status of [200, 204, 304]) {
    const response = await harness.run((request) => respondEmpty(request, status, { ETag: '"e"' }));
    expect([response.status, await response.text(), response.headers.get("etag")]).toEqual([status, "", '"e"']);
    expect(response.headers.get("x-amz-request-id")).toBe("REQUEST0");
    expect(response.headers.get("content-length")).toBe(status === 200 ? "0" : null);
  }
});

test("respondXml: the length is that of the bytes, not of the characters", async () => {
  const document = "<a>ключ \u{1F600}</a>";
  const response = await harness.run((request) => respondXml(request, document, { "x-extra": "1" }));
  expect([response.status, await response.text()]).toEqual([200, document]);
  expect([
    response.headers.get("content-type"),
    response.headers.get("content-length"),
    response.headers.get("x-extra"),
  ]).toEqual(["application/xml", String(Buffer.byteLength(document)), "1"]);
});

test("commonHeaders: a fresh object each time", () => {
  const one = commonHeaders("A");
  one["ETag"] = "x";
  expect(Object.keys(commonHeaders("A"))).toEqual(["x-amz-request-id", "x-amz-id-2", "Server"]);
});
