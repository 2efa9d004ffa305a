import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Mutation, MutationResult } from "#kernel/protocol/mutation.ts";
import type { PendingMutation } from "../catalog/sqlite-catalog/bucket-writer.ts";
import { commitWithRetries } from "./commit-with-retries.ts";

const full = sqliteError("SQLITE_FULL");

/** Bun knows its SQLite errors by their name. */
function sqliteError(code: string): Error {
  return Object.assign(new Error(code), { name: "SQLiteError", code });
}

function pending(kind: "put" | "delete", key: string): PendingMutation {
  const base = { bucketId: "b", key, requestId: "", principal: "", conditions: null };
  const mutation: Mutation =
    kind === "delete"
      ? { ...base, kind, versionId: null }
      : {
          ...base,
          kind,
          sizeBytes: 0,
          etag: "",
          flags: 0,
          meta: "",
          attributes: null,
          bytes: { kind: "inline", slice: [0, 0] },
        };
  return { mutation, bytes: new Uint8Array() };
}

function stored(key: string): MutationResult {
  return { ok: true, versionId: key, hlc: 0, deleteMarker: false, etag: null, seq: 0 };
}

/** Commits in memory; `fail` decides which transactions throw. */
function attempt(
  queue: readonly PendingMutation[],
  fail: (keys: readonly string[]) => Error | undefined,
  freeRoom: () => boolean = () => false,
) {
  const transactions: string[] = [];
  const results = commitWithRetries(queue, {
    commit: (each) => {
      const keys = each.map(({ mutation }) => mutation.key);
      transactions.push(keys.join());
      const error = fail(keys);
      if (error) throw error;
      return keys.map(stored);
    },
    freeRoom,
    report: () => {},
  });
  return { transactions, answers: results.map((result) => (result.ok ? result.versionId : result.code)) };
}

test("commitWithRetries: a poisoned mutation fails alone", () => {
  const queue = ["a", "bad", "c"].map((key) => pending("put", key));
  const { transactions, answers } = attempt(queue, (keys) => (keys.includes("bad") ? new TypeError("bad") : undefined));
  expect(answers).toEqual(["a", "InternalError", "c"]);
  expect(transactions).toEqual(["a,bad,c", "a", "bad", "c"]);
});

test("commitWithRetries: one answer per mutation in its order, whichever are poisoned", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }), (poisoned) => {
      const queue = poisoned.map((bad, index) => pending("put", bad ? `bad${index}` : `k${index}`));
      const { answers } = attempt(queue, (keys) =>
        keys.some((key) => key.startsWith("bad")) ? new TypeError("bad") : undefined,
      );
      expect(answers).toEqual(poisoned.map((bad, index) => (bad ? "InternalError" : `k${index}`)));
    }),
  );
});

test.each(["SQLITE_IOERR_WRITE", "SQLITE_CORRUPT", "SQLITE_BUSY"])(
  "commitWithRetries: %s fails all at once, without a retry",
  (code) => {
    const queue = ["a", "b"].map((key) => pending("put", key));
    const { transactions, answers } = attempt(queue, () => sqliteError(code));
    expect(transactions.length).toBe(1);
    for (const answer of answers) expect(["InternalError", "ServiceUnavailable", "SlowDown"]).toContain(String(answer));
  },
);

test("commitWithRetries: on a full disk puts fail, and deletes are tried by themselves", () => {
  const queue = [pending("put", "p"), pending("delete", "d"), pending("put", "q"), pending("delete", "e")];
  const { transactions, answers } = attempt(queue, (keys) => (keys.includes("p") ? full : undefined));
  expect(transactions).toEqual(["p,d,q,e", "d,e"]);
  expect(answers).toEqual(["InsufficientStorage", "d", "InsufficientStorage", "e"]);
});

test("commitWithRetries: deletes that find no room either get the reserve, once", () => {
  let room = 0;
  const free = () => {
    room += 1;
    return room === 1;
  };
  const queue = [pending("delete", "d"), pending("put", "p")];
  const { transactions, answers } = attempt(queue, () => (room === 0 ? full : undefined), free);
  expect(transactions).toEqual(["d,p", "d", "d"]);
  expect(answers).toEqual(["d", "InsufficientStorage"]);
  expect(attempt([pending("delete", "d")], () => full, free).answers).toEqual(["InsufficientStorage"]);
  expect(
    attempt(
      [pending("delete", "d")],
      () => full,
      () => true,
    ).transactions,
  ).toEqual(["d", "d"]);
});

test("commitWithRetries: puts never get the reserve", () => {
  const asked: boolean[] = [];
  attempt(
    [pending("put", "p")],
    () => full,
    () => asked.push(true) > 0,
  );
  expect(asked).toEqual([]);
});
