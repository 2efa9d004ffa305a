import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseAmzDate, parseDateHeader, renderAmzDate, renderErrorDate } from "./amz-date.ts";

const exampleMs = Date.UTC(2013, 4, 24);

test("parseAmzDate: reads the basic form", () => {
  expect(parseAmzDate("20130524T000000Z")).toBe(exampleMs);
  expect(parseAmzDate("20240229T235959Z")).toBe(Date.UTC(2024, 1, 29, 23, 59, 59));
});

test("parseAmzDate: refuses other forms and impossible dates", () => {
  const refused = [
    "",
    "20130524",
    "20130524T000000",
    "2013-05-24T00:00:00Z",
    "20130524t000000Z",
    "20130524T000000+",
    "20131324T000000Z",
    "20130532T000000Z",
  ];
  refused.push(
    "20130229T000000Z",
    "20130524T240000Z",
    "20130524T006000Z",
    "20130524T000060Z",
    "2013052 T000000Z",
    "20130524T00000AZ",
    "19690524T000000Z",
  );
  for (const text of refused) expect(parseAmzDate(text)).toBeUndefined();
});

test("renderAmzDate: is the inverse of parseAmzDate at whole seconds", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800 }), (seconds) => {
      expect(parseAmzDate(renderAmzDate(seconds * 1000))).toBe(seconds * 1000);
    }),
  );
});

test("parseDateHeader: takes HTTP dates, +0000 and the basic form", () => {
  expect(parseDateHeader("Fri, 24 May 2013 00:00:00 GMT")).toBe(exampleMs);
  expect(parseDateHeader("Fri, 24 May 2013 00:00:00 +0000")).toBe(exampleMs);
  expect(parseDateHeader("20130524T000000Z")).toBe(exampleMs);
  expect(parseDateHeader("yesterday")).toBeUndefined();
});

test("renderErrorDate: cuts milliseconds", () => {
  expect(renderErrorDate(exampleMs + 999)).toBe("2013-05-24T00:00:00Z");
});
