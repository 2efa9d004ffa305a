import { describe, expect, test } from "bun:test";
import { faultyCalls } from "../io-errors/fault-injector.ts";
import { runFaultRound } from "../io-errors/fault-round.ts";
import { canTrace } from "../power-loss/traced-server.ts";
import { reportTool } from "./client-tool.ts";

// `scripts/io-errors` sets it: all n, not the first ones.
const isLong = process.env["MAXIOFS_IO_ERRORS"] === "all";
const maxCallNumbers = isLong ? { EIO: 1_000, ENOSPC: 1_000 } : { EIO: 2, ENOSPC: 1 };

const isMissing = !reportTool("strace", canTrace());
const faults = faultyCalls.flatMap(({ name, codes }) => codes.map((code) => ({ call: name, code })));

describe.skipIf(isMissing)("I/O errors", () => {
  test.each(faults)(
    "server: the n-th $call fails with $code, and nothing acknowledged suffers",
    async ({ call, code }) => {
      const violations: unknown[] = [];
      for (let callNumber = 1; callNumber <= maxCallNumbers[code]; callNumber++) {
        const round = await runFaultRound({ call, code, callNumber });
        if (isLong) console.log(`${call} ${code} ${callNumber}: ${round.failedCalls.length} failed,`, round.refusals);
        if (round.violations.length > 0) violations.push(round);
        if (round.failedCalls.length === 0) break;
      }
      expect(violations).toEqual([]);
    },
    isLong ? 3_600_000 : 60_000,
  );
});
