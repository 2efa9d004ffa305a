import { parsePolicy } from "#kernel/policy/parse-policy.ts";
import type { PolicyKind } from "#kernel/policy/policy-document.ts";
import { maxPolicyCharacters } from "#kernel/policy/policy-limits.ts";
import { takeFlag, takeWord } from "#kernel/settings/arguments.ts";
import type { FileText } from "#kernel/settings/file-text.ts";

/** What `maxiofs policy check` says. */
export interface PolicyCheck {
  /** 0: the policy is right; 1: it is not; 2: nothing could be checked. */
  readonly exitCode: 0 | 1 | 2;
  readonly lines: readonly string[];
}

const kinds: readonly string[] = [...Object.keys(maxPolicyCharacters), "bucket"];

/**
 * `maxiofs policy check FILE [--kind KIND] [--bucket NAME]`: what the server would say to the policy, without one.
 * @param readFile text of a file, or what is wrong; `-` is standard input
 */
export async function checkPolicyFile(
  words: readonly string[],
  readFile: (path: string) => FileText | Promise<FileText>,
): Promise<PolicyCheck> {
  const kindFlag = takeFlag(words, "--kind");
  const bucketFlag = takeFlag(kindFlag.rest, "--bucket");
  const file = takeWord(bucketFlag.rest);
  const { value: bucketName } = bucketFlag;
  const kind = kindFlag.value ?? (bucketName === undefined ? "managed" : "bucket");
  if (file.value === undefined) return refuse("The name of a file with a policy is wanted");
  if (file.rest.length > 0) return refuse(`${JSON.stringify(file.rest[0])} is not known here`);
  if (!isKind(kind)) return refuse(`--kind must be one of ${kinds.join(", ")}, not ${JSON.stringify(kind)}`);
  const found = await readFile(file.value);
  if ("problem" in found) return refuse(`${file.value} cannot be read: ${found.problem}; must be a policy in JSON`);
  const parsed = parsePolicy(found.text, { kind, ...(bucketName !== undefined && { bucketName }) });
  if (parsed.kind === "problems") return { exitCode: 1, lines: parsed.problems.map(renderFinding("error")) };
  const { statements } = parsed.document;
  const count = `${statements.length} ${statements.length === 1 ? "statement" : "statements"}`;
  return { exitCode: 0, lines: [...parsed.warnings.map(renderFinding("warning")), `The policy is right: ${count}`] };
}

function isKind(text: string): text is PolicyKind {
  return kinds.includes(text);
}

function renderFinding(severity: "error" | "warning") {
  return ({ pointer, message }: { readonly pointer: string; readonly message: string }): string =>
    `${severity}: ${pointer === "" ? "" : `${pointer}: `}${message}`;
}

function refuse(message: string): PolicyCheck {
  return { exitCode: 2, lines: [`maxiofs: ${message}`] };
}
