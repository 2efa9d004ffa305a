import { expect, test } from "bun:test";
import type { CatalogProblem } from "#kernel/protocol/catalog-problem.ts";
import { reportFailure } from "./report-failure.ts";

function tell(bucketId: string, error: unknown) {
  const lines: string[] = [];
  const problems: CatalogProblem[] = [];
  const warn = (message: string, fields: object) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  reportFailure({ warn, problems: { report: (each) => void problems.push(each), settle: () => {} } }, bucketId, error);
  return { lines, problems };
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: no, unlink '/data/buckets/b/blobs/00/x'`), { code });
}

test("reportFailure: what concerns a bucket's files is its problem, with the path", () => {
  const { lines, problems } = tell("b", failure("EACCES"));
  expect(lines).toEqual([]);
  expect(problems).toEqual([{ bucketId: "b", kind: "unreadable", reason: expect.stringContaining("/data/buckets/b") }]);
});

test("reportFailure: anything else names the bucket, where there is one, the reason and what to do", () => {
  for (const [bucketId, error, advice] of [
    ["b", failure("ENOSPC"), "make some on the disk"],
    ["", failure("EACCES"), "belong to the user of the server"],
    ["b", new TypeError("x is not a function"), "please report it"],
  ] as const) {
    const [line = ""] = tell(bucketId, error).lines;
    for (const part of ["Garbage collection failed", advice, error.message]) expect(line).toContain(part);
    expect(line.includes('"bucketId":"b"')).toBe(bucketId !== "");
  }
});
