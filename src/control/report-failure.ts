/** Exit codes of failures that name none. Source: sysexits.h. */
const fallbackCodes = { software: 70, osError: 71 } as const;

/**
 * Tells the operator what ended a command: one line, or the whole error where it is a bug.
 * @returns the exit code the error asks for; what has none is a bug
 */
export function reportFailure(error: unknown, report: (shown: unknown) => void): number {
  const isExpected = error instanceof Error && "exitCode" in error && typeof error.exitCode === "number";
  const isOs = error instanceof Error && "code" in error && typeof error.code === "string";
  report(isExpected || isOs ? `maxiofs: ${error.message}` : error);
  if (isExpected) return Number(error.exitCode);
  return isOs ? fallbackCodes.osError : fallbackCodes.software;
}
