import { expect, test } from "bun:test";
import { parseTraceparent, renderTraceparent } from "./traceparent.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

test("parseTraceparent: ids and the flag of sampling", () => {
  expect(parseTraceparent(`00-${traceId}-${spanId}-01`)).toEqual({ traceId, spanId, isSampled: true });
  expect(parseTraceparent(`00-${traceId}-${spanId}-00`)).toEqual({ traceId, spanId, isSampled: false });
  expect(parseTraceparent(`00-${traceId}-${spanId}-03`)?.isSampled).toBe(true);
  expect(parseTraceparent(`cc-${traceId}-${spanId}-01-what-comes`)).toEqual({ traceId, spanId, isSampled: true });
  expect(parseTraceparent(renderTraceparent({ traceId, spanId }))).toEqual({ traceId, spanId, isSampled: true });
});

test.each([
  "",
  `ff-${traceId}-${spanId}-01`,
  `00-${traceId}-${spanId}-01-more`,
  `00-${traceId.toUpperCase()}-${spanId}-01`,
  `00-${"0".repeat(32)}-${spanId}-01`,
  `00-${traceId}-${"0".repeat(16)}-01`,
  `00-${traceId}-${spanId}`,
  `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`,
  `cc-${traceId}-${spanId}-01-${"x".repeat(256)}`,
])("parseTraceparent: %p is none", (text) => {
  expect(parseTraceparent(text)).toBeUndefined();
});
