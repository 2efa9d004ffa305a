import { parsePolicy } from "../policy/parse-policy.ts";
import { maxPolicyCharacters, maxTextFactor } from "../policy/policy-limits.ts";
import type { IdentityTag } from "../protocol/identities.ts";
import type { MfaProof, SessionOrder, SessionPolicies } from "../protocol/sts.ts";
import { StsError } from "./sts-error.ts";

type Form = ReadonlyMap<string, string>;

/** Bounds of a session's life, seconds. Source: AWS STS, AssumeRole and GetSessionToken. */
export const sessionSeconds = { min: 900, maxAssumed: 43_200, maxOwn: 129_600 } as const;
/** Session tags of one call. */
export const maxSessionTags = 50;
/** Managed session policies of one call. */
export const maxSessionPolicyArns = 10;

const assumeRoleNames =
  /^(?:RoleArn|RoleSessionName|DurationSeconds|Policy|ExternalId|SourceIdentity|SerialNumber|TokenCode|Tags|TransitiveTagKeys|PolicyArns|Tags\.member\.\d{1,2}\.(?:Key|Value)|TransitiveTagKeys\.member\.\d{1,2}|PolicyArns\.member\.\d{1,2}\.arn)$/;
const getSessionTokenNames = /^(?:DurationSeconds|SerialNumber|TokenCode)$/;
const tagText = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/**
 * The members of AssumeRole. Whether policies exist and the role lets the caller in is for the control thread to find out.
 * @throws StsError ValidationError naming the member, MalformedPolicyDocument
 * Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
export function parseAssumeRole(form: Form): Extract<SessionOrder, { kind: "assumeRole" }> {
  refuseUnknown(form, assumeRoleNames);
  const tags = parseTags(form);
  return {
    kind: "assumeRole",
    roleArn: required(form, "RoleArn", { min: 20, max: 2048, pattern: /^[\x21-\x7e]*$/ }),
    sessionName: required(form, "RoleSessionName", { min: 2, max: 64, pattern: /^[A-Za-z0-9_+=,.@-]*$/ }),
    durationSeconds: parseDuration(form, sessionSeconds.maxAssumed),
    policies: parsePolicies(form),
    tags,
    transitiveTagKeys: parseTransitiveKeys(form, tags),
    externalId: optional(form, "ExternalId", { min: 2, max: 1224, pattern: /^[A-Za-z0-9_+=,.@:/-]*$/ }),
    sourceIdentity: optional(form, "SourceIdentity", { min: 2, max: 64, pattern: /^[A-Za-z0-9_+=,.@-]*$/ }),
    mfa: parseMfa(form),
  };
}

/**
 * The members of GetSessionToken.
 * @throws StsError ValidationError naming the member
 * Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
 */
export function parseGetSessionToken(form: Form): Extract<SessionOrder, { kind: "getSessionToken" }> {
  refuseUnknown(form, getSessionTokenNames);
  return {
    kind: "getSessionToken",
    durationSeconds: parseDuration(form, sessionSeconds.maxOwn),
    mfa: parseMfa(form),
  };
}

interface TextBounds {
  readonly min: number;
  readonly max: number;
  readonly pattern: RegExp;
}

/** What is not known may be meant to narrow: it is never passed over. */
function refuseUnknown(form: Form, known: RegExp): void {
  for (const name of form.keys()) {
    if (name === "Action" || name === "Version" || known.test(name)) continue;
    throw new StsError("ValidationError", `The parameter ${JSON.stringify(name.slice(0, 64))} is not supported here`);
  }
}

function optional(form: Form, name: string, { min, max, pattern }: TextBounds): string | undefined {
  const value = form.get(name);
  if (value === undefined) return undefined;
  if (value.length < min || value.length > max || !pattern.test(value)) {
    throw new StsError(
      "ValidationError",
      `The value of ${name} must have ${min} to ${max} characters of ${pattern.source}`,
    );
  }
  return value;
}

function required(form: Form, name: string, bounds: TextBounds): string {
  const value = optional(form, name, bounds);
  if (value === undefined) throw new StsError("ValidationError", `The parameter ${name} is required`);
  return value;
}

function parseDuration(form: Form, maxSeconds: number): number | undefined {
  const text = form.get("DurationSeconds");
  if (text === undefined) return undefined;
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (seconds >= sessionSeconds.min && seconds <= maxSeconds) return seconds;
  throw new StsError(
    "ValidationError",
    `DurationSeconds must be a whole number from ${sessionSeconds.min} to ${maxSeconds}`,
  );
}

function parseMfa(form: Form): MfaProof | undefined {
  const serialNumber = optional(form, "SerialNumber", { min: 9, max: 256, pattern: /^[A-Za-z0-9_+=/:,.@-]*$/ });
  const code = optional(form, "TokenCode", { min: 6, max: 6, pattern: /^\d*$/ });
  if (serialNumber === undefined && code === undefined) return undefined;
  if (serialNumber === undefined || code === undefined) {
    throw new StsError("ValidationError", "SerialNumber and TokenCode go together");
  }
  return { serialNumber, code };
}

function parsePolicies(form: Form): SessionPolicies {
  const arns = members(form, "PolicyArns", ".arn");
  if (arns.length > maxSessionPolicyArns) throw tooMany("PolicyArns", maxSessionPolicyArns);
  const text = optional(form, "Policy", { min: 1, max: maxPolicyCharacters.session * maxTextFactor, pattern: /^/ });
  if (text === undefined) return { text, arns };
  const parsed = parsePolicy(text, { kind: "session" });
  if (parsed.kind !== "document") {
    const [{ pointer, message } = { pointer: "", message: "" }] = parsed.problems;
    throw new StsError("MalformedPolicyDocument", `The session policy is wrong at "${pointer}": ${message}`);
  }
  return { text: stripWhiteSpace(text), arns };
}

/** White space between the tokens of JSON takes room in the session token and means nothing. */
function stripWhiteSpace(json: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*")|[ \t\r\n]+/g, (_, text: string | undefined) => text ?? "");
}

function parseTags(form: Form): readonly IdentityTag[] {
  const keys = members(form, "Tags", ".Key");
  const values = members(form, "Tags", ".Value");
  if (keys.length !== values.length) throw new StsError("ValidationError", "Each tag has a Key and a Value");
  if (keys.length > maxSessionTags) throw tooMany("Tags", maxSessionTags);
  const seen = new Set<string>();
  return keys.map((key, index) => {
    const value = values[index] ?? "";
    if (key.length < 1 || key.length > 128 || !tagText.test(key) || /^aws:/i.test(key)) throw wrongTag();
    if (value.length > 256 || !tagText.test(value)) throw wrongTag();
    if (seen.has(key.toLowerCase())) throw new StsError("ValidationError", "A tag key comes twice, in whatever case");
    seen.add(key.toLowerCase());
    return [key, value];
  });
}

function parseTransitiveKeys(form: Form, tags: readonly IdentityTag[]): readonly string[] {
  const keys = members(form, "TransitiveTagKeys", "");
  if (keys.length > maxSessionTags) throw tooMany("TransitiveTagKeys", maxSessionTags);
  for (const key of keys) {
    if (tags.some(([own]) => own.toLowerCase() === key.toLowerCase())) continue;
    throw new StsError("ValidationError", "Each of TransitiveTagKeys must be the key of one of Tags");
  }
  return keys;
}

/** Values of `name.member.1`, `.2` ... with a suffix, numbered without a gap. A list without members comes as `name=`. */
function members(form: Form, name: string, suffix: string): readonly string[] {
  if (form.get(name) !== undefined && form.get(name) !== "") {
    throw new StsError("ValidationError", `${name} is a list: its members are ${name}.member.1 and so on`);
  }
  const values: string[] = [];
  for (let value = form.get(`${name}.member.1${suffix}`); value !== undefined; ) {
    values.push(value);
    value = form.get(`${name}.member.${values.length + 1}${suffix}`);
  }
  const count = [...form.keys()].filter((key) => key.startsWith(`${name}.member.`) && key.endsWith(suffix)).length;
  if (count === values.length) return values;
  throw new StsError("ValidationError", `The members of ${name} must be numbered from 1 without a gap`);
}

function tooMany(name: string, max: number): StsError {
  return new StsError("ValidationError", `${name} may have ${max} members`);
}

function wrongTag(): StsError {
  return new StsError(
    "ValidationError",
    "Tag keys have 1 to 128 characters and do not begin with aws:, values up to 256; letters, digits, spaces and _.:/=+-@",
  );
}
