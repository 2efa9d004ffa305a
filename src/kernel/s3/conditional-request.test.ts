import { describe, expect, test } from "bun:test";
import {
  evaluateCopySourceConditions,
  evaluateDeleteConditions,
  evaluateReadConditions,
  evaluateWriteConditions,
  parseDeleteConditions,
  parseWriteConditions,
} from "./conditional-request.ts";
import type { HeaderLookup } from "./header-lookup.ts";

const lastModifiedMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const target = { etag: "abc", lastModifiedMs, nowMs: Date.UTC(2026, 5, 1) };
const before = "Fri, 02 Jan 2026 03:04:04 GMT";
const same = "Fri, 02 Jan 2026 03:04:05 GMT";
const after = "Fri, 02 Jan 2026 03:04:06 GMT";
const future = "Thu, 02 Jul 2026 00:00:00 GMT";

function failure(condition: string) {
  return expect.objectContaining({ code: "PreconditionFailed", status: 412, fields: { Condition: condition } });
}

function outcome(headers: HeaderLookup): unknown {
  try {
    return evaluateReadConditions(headers, target);
  } catch (error) {
    expect(error).toMatchObject({ code: "PreconditionFailed" });
    return error instanceof Error && "fields" in error ? error.fields : error;
  }
}

describe("evaluateReadConditions", () => {
  const table: [name: string, headers: HeaderLookup, expected: unknown][] = [
    ["none", {}, "proceed"],
    ["If-Match equal", { "if-match": '"abc"' }, "proceed"],
    ["If-Match in a list", { "if-match": 'W/"x", abc' }, "proceed"],
    ["If-Match star", { "if-match": "*" }, "proceed"],
    ["If-Match other", { "if-match": '"abd"' }, { Condition: "If-Match" }],
    ["If-None-Match equal", { "if-none-match": '"abc"' }, "not-modified"],
    ["If-None-Match star", { "if-none-match": "*" }, "not-modified"],
    ["If-None-Match other", { "if-none-match": '"abd"' }, "proceed"],
    ["If-Modified-Since the same second", { "if-modified-since": same }, "not-modified"],
    ["If-Modified-Since before", { "if-modified-since": before }, "proceed"],
    ["If-Modified-Since in the future is ignored", { "if-modified-since": future }, "proceed"],
    ["If-Modified-Since unreadable", { "if-modified-since": "yesterday" }, "proceed"],
    ["If-Unmodified-Since the same second", { "if-unmodified-since": same }, "proceed"],
    ["If-Unmodified-Since after", { "if-unmodified-since": after }, "proceed"],
    ["If-Unmodified-Since before", { "if-unmodified-since": before }, { Condition: "If-Unmodified-Since" }],
    ["If-Unmodified-Since unreadable", { "if-unmodified-since": "1" }, "proceed"],
    ["If-Match beats If-Unmodified-Since", { "if-match": "abc", "if-unmodified-since": before }, "proceed"],
    ["If-None-Match beats If-Modified-Since", { "if-none-match": "x", "if-modified-since": same }, "proceed"],
    ["If-None-Match after a good If-Match", { "if-match": "abc", "if-none-match": "abc" }, "not-modified"],
    ["If-Match fails first", { "if-match": "x", "if-none-match": "abc" }, { Condition: "If-Match" }],
  ];
  for (const [name, headers, expected] of table) {
    test(`evaluateReadConditions: ${name}`, () => expect(outcome(headers)).toEqual(expected));
  }
});

test("evaluateCopySourceConditions: every failure is 412, named after the header", () => {
  const p = "x-amz-copy-source-if-";
  expect(() => evaluateCopySourceConditions({ "if-match": "x" }, target)).not.toThrow();
  expect(() =>
    evaluateCopySourceConditions({ [`${p}match`]: "abc", [`${p}unmodified-since`]: before }, target),
  ).not.toThrow();
  const table: [HeaderLookup, string][] = [
    [{ [`${p}match`]: "x" }, "x-amz-copy-source-If-Match"],
    [{ [`${p}none-match`]: "abc" }, "x-amz-copy-source-If-None-Match"],
    [{ [`${p}none-match`]: "abc", [`${p}modified-since`]: before }, "x-amz-copy-source-If-None-Match"],
    [{ [`${p}modified-since`]: same }, "x-amz-copy-source-If-Modified-Since"],
    [{ [`${p}unmodified-since`]: before }, "x-amz-copy-source-If-Unmodified-Since"],
  ];
  for (const [headers, condition] of table) {
    expect(() => evaluateCopySourceConditions(headers, target)).toThrow(failure(condition));
  }
});

test("parseWriteConditions: one header, in AWS's forms and beyond", () => {
  expect(parseWriteConditions({})).toEqual({});
  expect(parseWriteConditions({ "if-none-match": "*" })).toEqual({ ifNoneMatch: { any: true } });
  expect(parseWriteConditions({ "if-match": '"a"' })).toEqual({ ifMatch: { any: false, etags: ["a"] } });
  expect(parseWriteConditions({ "if-match": "*" })).toEqual({ ifMatch: { any: true } });
  expect(parseWriteConditions({ "if-none-match": '"a"' })).toEqual({ ifNoneMatch: { any: false, etags: ["a"] } });
});

test("parseWriteConditions: both headers are 501, an empty one is never dropped", () => {
  expect(() => parseWriteConditions({ "if-match": '"a"', "if-none-match": "*" })).toThrow(
    expect.objectContaining({ code: "NotImplemented", status: 501, fields: { Header: "If-None-Match" } }),
  );
  for (const name of ["if-match", "if-none-match"]) {
    expect(() => parseWriteConditions({ [name]: "" })).toThrow(expect.objectContaining({ code: "InvalidArgument" }));
  }
});

test("evaluateWriteConditions: absent keys, markers and present objects", () => {
  const present = { etag: "a", isDeleteMarker: false };
  const marker = { etag: "", isDeleteMarker: true };
  const match = { ifMatch: { any: false, etags: ["a"] } } as const;
  const noneMatch = { ifNoneMatch: { any: true } } as const;
  const missing = expect.objectContaining({ code: "NoSuchKey", status: 404, fields: { Key: "k" } });
  for (const current of [undefined, marker, present])
    expect(() => evaluateWriteConditions({}, current, "k")).not.toThrow();
  for (const absent of [undefined, marker]) {
    expect(() => evaluateWriteConditions(match, absent, "k")).toThrow(missing);
    expect(() => evaluateWriteConditions({ ifMatch: { any: true } }, absent, "k")).toThrow(missing);
    expect(() => evaluateWriteConditions(noneMatch, absent, "k")).not.toThrow();
  }
  expect(() => evaluateWriteConditions(match, present, "k")).not.toThrow();
  expect(() => evaluateWriteConditions({ ifMatch: { any: true } }, present, "k")).not.toThrow();
  expect(() => evaluateWriteConditions(match, { ...present, etag: "b" }, "k")).toThrow(failure("If-Match"));
  expect(() => evaluateWriteConditions(noneMatch, present, "k")).toThrow(failure("If-None-Match"));
  const named = { ifNoneMatch: { any: false, etags: ["a"] } } as const;
  expect(() => evaluateWriteConditions(named, present, "k")).toThrow(failure("If-None-Match"));
  expect(() => evaluateWriteConditions(named, { ...present, etag: "b" }, "k")).not.toThrow();
});

test("parseDeleteConditions: the three headers, alone or together", () => {
  expect(parseDeleteConditions({})).toEqual({});
  expect(
    parseDeleteConditions({
      "if-match": "*",
      "x-amz-if-match-last-modified-time": same,
      "x-amz-if-match-size": "12",
    }),
  ).toEqual({ ifMatch: { any: true }, lastModifiedMs: Date.UTC(2026, 0, 2, 3, 4, 5), sizeBytes: 12 });
  const bad: HeaderLookup[] = [
    { "if-match": "" },
    { "x-amz-if-match-last-modified-time": "soon" },
    { "x-amz-if-match-size": "-1" },
    { "x-amz-if-match-size": "1e3" },
  ];
  for (const headers of bad) {
    expect(() => parseDeleteConditions(headers)).toThrow(expect.objectContaining({ code: "InvalidArgument" }));
  }
});

test("evaluateDeleteConditions: all given conditions must hold", () => {
  const version = { etag: "a", lastModifiedMs, sizeBytes: 12, isDeleteMarker: false };
  const all = {
    ifMatch: { any: false, etags: ["a"] },
    lastModifiedMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    sizeBytes: 12,
  } as const;
  expect(evaluateDeleteConditions({}, undefined)).toBe("proceed");
  expect(evaluateDeleteConditions(all, undefined)).toBe("absent");
  expect(evaluateDeleteConditions(all, version)).toBe("proceed");
  expect(evaluateDeleteConditions({ sizeBytes: 12 }, version)).toBe("proceed");
  expect(() => evaluateDeleteConditions(all, { ...version, etag: "b" })).toThrow(failure("If-Match"));
  expect(() => evaluateDeleteConditions(all, { ...version, lastModifiedMs: lastModifiedMs + 1000 })).toThrow(
    failure("x-amz-if-match-last-modified-time"),
  );
  expect(() => evaluateDeleteConditions(all, { ...version, sizeBytes: 0 })).toThrow(failure("x-amz-if-match-size"));
});

test("evaluateDeleteConditions: a delete marker matches only the star", () => {
  const marker = { etag: "", lastModifiedMs, sizeBytes: 0, isDeleteMarker: true };
  expect(evaluateDeleteConditions({ ifMatch: { any: true } }, marker)).toBe("proceed");
  expect(() => evaluateDeleteConditions({ ifMatch: { any: false, etags: [""] } }, marker)).toThrow(failure("If-Match"));
  expect(() => evaluateDeleteConditions({ sizeBytes: 0 }, marker)).toThrow(failure("x-amz-if-match-size"));
  expect(() => evaluateDeleteConditions({ lastModifiedMs }, marker)).toThrow(
    failure("x-amz-if-match-last-modified-time"),
  );
});

test("conditions: survive a structured clone", () => {
  const write = parseWriteConditions({ "if-match": '"a"' });
  const remove = parseDeleteConditions({ "if-match": "*", "x-amz-if-match-size": "1" });
  expect(structuredClone({ write, remove })).toEqual({ write, remove });
});
