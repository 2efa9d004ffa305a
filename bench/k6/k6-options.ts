import { parseFlags, plainFlag, splitList, textFlag } from "../flags.ts";

/** What the command line of `run.ts` asks for. */
export interface K6Options {
  /** A second or two and few keys per scenario; latency is not judged. */
  readonly short: boolean;
  /** Scenarios to run; empty for all. */
  readonly only: readonly string[];
  /** Binary to start; empty for the source. */
  readonly binary: string;
  /** A running server instead of one started here; its keys are in `MAXIOFS_K6_ACCESS_KEY` and `MAXIOFS_K6_SECRET_KEY`. */
  readonly endpoint: string;
  /** One line of JSON per scenario is appended here; empty for none. */
  readonly jsonFile: string;
  /** What is measured becomes the baseline of this machine. */
  readonly saveBaselines: boolean;
  /** The program k6. */
  readonly k6: string;
}

/** The scenarios in the order they are run; `suite.ts` has the loads. */
export const scenarioNames: readonly string[] = [
  "quick",
  "upload",
  "download",
  "mixed",
  "verify",
  "multipart",
  "ranges",
  "large",
  "deep",
  "arrival",
  "stress",
  "cold",
];

const flags = {
  ...{ short: plainFlag, "save-baselines": plainFlag, only: textFlag, binary: textFlag },
  ...{ endpoint: textFlag, json: textFlag, k6: textFlag },
} as const;
const usage = `bun bench/k6/run.ts [flags]
  --short           a second or two per scenario; latency is not judged
  --only A,B        of ${scenarioNames.join(", ")}
  --binary FILE     start this binary instead of the source
  --endpoint URL    use this running server (not for cold), with the keys in
                    MAXIOFS_K6_ACCESS_KEY and MAXIOFS_K6_SECRET_KEY
  --json FILE       append one line of JSON per scenario
  --save-baselines  what is measured becomes this machine's baseline
  --k6 FILE         the program k6, otherwise looked up in .tools/bin, ~/go/bin and on the path`;

/**
 * @param args the command line without the program
 * @throws RangeError for an unknown flag or scenario, a missing value, or flags that exclude each other
 */
export function parseK6Options(args: readonly string[]): K6Options {
  const values = parseFlags(args, flags, usage);
  const { short = false, endpoint = "", binary = "" } = values;
  const saveBaselines = values["save-baselines"] ?? false;
  const only = splitList(values.only);
  const unknown = only.filter((name) => !scenarioNames.includes(name));
  if (unknown.length > 0) throw new RangeError(`--only ${unknown.join(",")} is none of ${scenarioNames.join(", ")}`);
  if (endpoint !== "" && !/^https?:\/\/[^/]+\/?$/.test(endpoint)) {
    throw new RangeError(`--endpoint ${endpoint} is no address such as http://127.0.0.1:9000`);
  }
  if (endpoint !== "" && (only.includes("cold") || binary !== "")) {
    throw new RangeError("--endpoint excludes --binary and the scenario cold, which starts its server");
  }
  if (short && saveBaselines) throw new RangeError("--save-baselines wants the long form");
  return { short, only, binary, endpoint, jsonFile: values.json ?? "", saveBaselines, k6: values.k6 ?? "" };
}
