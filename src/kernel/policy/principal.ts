import { parseArn } from "./arn-pattern.ts";
import type { PrincipalEntry, PrincipalType } from "./policy-document.ts";

/** Who asks. Everything here was proved before: no header names it. */
export type Caller =
  | { readonly kind: "anonymous" }
  | {
      readonly kind: "user";
      /** 12 digits. */
      readonly accountId: string;
      /** 64 hexadecimal digits. */
      readonly canonicalId: string;
      /** `AIDA...` */
      readonly userId: string;
      readonly arn: string;
      /** A global administrator: without it actions on the whole server are denied, whatever a policy says. */
      readonly global: boolean;
    }
  | {
      readonly kind: "role";
      readonly accountId: string;
      readonly canonicalId: string;
      /** `AROA...` */
      readonly roleId: string;
      readonly roleArn: string;
      /** `AROA...:session`. */
      readonly sessionId: string;
      readonly sessionArn: string;
    }
  /** A user of an identity provider that asks for a session; `provider` is the provider's ARN. */
  | { readonly kind: "federated"; readonly provider: string }
  /** A part of the server that acts for a bucket, for example `logging.s3.amazonaws.com`. */
  | { readonly kind: "service"; readonly name: string };

/** Services of ours a policy may name. */
const servicePrincipals: readonly string[] = ["logging.s3.amazonaws.com", "s3.amazonaws.com"];

/**
 * How a list of principals fits a caller: `direct` names it or everyone; `account` names its account, which delegates to the
 * account's own policies; undefined when an entry could not be resolved.
 */
export type PrincipalMatch = "direct" | "account" | "none" | undefined;

/** Principals by kind; plain data. */
export interface CompiledPrincipals {
  readonly everyone: boolean;
  /** Account ids, canonical ids. */
  readonly accounts: readonly string[];
  /** ARNs and unique ids of users, roles, sessions. */
  readonly identities: readonly string[];
  readonly services: readonly string[];
  readonly providers: readonly string[];
  /** An entry is the ARN of nobody known. */
  readonly unresolved: boolean;
}

/** Gives the unique id of a user, role or session by its ARN; undefined when there is none. */
export type ResolvePrincipal = (arn: string) => string | undefined;

const accountId = /^\d{12}$/;
const canonicalId = /^[0-9a-f]{64}$/;
const uniqueId = /^A(?:IDA|ROA)[A-Z0-9]{12,32}$/;
const iamPath = /^(?:user|role)\/(?:[\x21-\x7e]+\/)*[A-Za-z0-9+=,.@_-]{1,64}$/;
const sessionPath = /^(?:assumed-role\/[A-Za-z0-9+=,.@_-]{1,64}|federated-user)\/[A-Za-z0-9+=,.@_-]{1,64}$/;

/** Says what is wrong with a principal; undefined when nothing is. Whether it exists is for the caller to find out. */
export function findPrincipalProblem({ type, value }: PrincipalEntry): string | undefined {
  if (isWellFormed(type, value)) return undefined;
  return `"${value}" is no ${type} principal; a wildcard stands alone`;
}

function isWellFormed(type: PrincipalType, value: string): boolean {
  if (value === "*") return type === "AWS";
  switch (type) {
    case "AWS":
      return accountId.test(value) || uniqueId.test(value) || accountOf(value) !== undefined || isIdentityArn(value);
    case "CanonicalUser":
      return canonicalId.test(value);
    case "Federated":
      return /^[\x21-\x7e]{1,255}$/.test(value) && !/[*?]/.test(value);
    case "Service":
      return servicePrincipals.includes(value);
  }
}

/** Compiles principals; with `resolve`, ARNs of users, roles and sessions count by the id they stand for, never by name. */
export function compilePrincipals(entries: readonly PrincipalEntry[], resolve?: ResolvePrincipal): CompiledPrincipals {
  const accounts: string[] = [];
  const identities: string[] = [];
  let unresolved = false;
  for (const { type, value } of entries) {
    if (type === "CanonicalUser") accounts.push(value);
    if (type !== "AWS" || value === "*") continue;
    const account = accountId.test(value) ? value : accountOf(value);
    const identity = resolve === undefined || !value.startsWith("arn:") ? value : resolve(value);
    if (account !== undefined) accounts.push(account);
    else if (identity === undefined) unresolved = true;
    else identities.push(identity);
  }
  const valuesOf = (type: PrincipalType) => entries.filter((entry) => entry.type === type).map((entry) => entry.value);
  return {
    everyone: entries.some((entry) => entry.type === "AWS" && entry.value === "*"),
    accounts,
    identities,
    services: valuesOf("Service"),
    providers: valuesOf("Federated"),
    unresolved,
  };
}

/** Finds the strongest way in which a Principal element names the caller. */
export function matchPrincipals(principals: CompiledPrincipals, caller: Caller): PrincipalMatch {
  if (principals.everyone || namesIdentity(principals, caller)) return "direct";
  if (principals.unresolved) return undefined;
  return namesAccount(principals, caller) ? "account" : "none";
}

/**
 * Whether NotPrincipal exempts the caller: only if its account is listed and its user, or its account, role and session.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
 */
export function isExempt(principals: CompiledPrincipals, caller: Caller): boolean {
  if (principals.everyone) return true;
  const { identities } = principals;
  switch (caller.kind) {
    case "user":
      return namesAccount(principals, caller) && namesIdentity(principals, caller);
    case "role":
      return (
        namesAccount(principals, caller) &&
        (identities.includes(caller.roleArn) || identities.includes(caller.roleId)) &&
        (identities.includes(caller.sessionArn) || identities.includes(caller.sessionId))
      );
    default:
      return namesIdentity(principals, caller);
  }
}

function namesIdentity({ identities, services, providers }: CompiledPrincipals, caller: Caller): boolean {
  switch (caller.kind) {
    case "anonymous":
      return false;
    case "user":
      return identities.includes(caller.userId) || identities.includes(caller.arn);
    case "role":
      return (
        identities.includes(caller.roleId) ||
        identities.includes(caller.roleArn) ||
        identities.includes(caller.sessionId) ||
        identities.includes(caller.sessionArn)
      );
    case "federated":
      return providers.includes(caller.provider);
    case "service":
      return services.includes(caller.name);
  }
}

function namesAccount({ accounts }: CompiledPrincipals, caller: Caller): boolean {
  if (caller.kind !== "user" && caller.kind !== "role") return false;
  return accounts.includes(caller.accountId) || accounts.includes(caller.canonicalId);
}

/** The account an ARN of `root` stands for. */
function accountOf(value: string): string | undefined {
  const arn = parseArn(value);
  if (arn === undefined || arn.partition !== "aws" || arn.service !== "iam" || arn.region !== "") return undefined;
  return arn.path === "root" && accountId.test(arn.account) ? arn.account : undefined;
}

function isIdentityArn(value: string): boolean {
  const arn = parseArn(value);
  if (arn === undefined || arn.partition !== "aws" || arn.region !== "" || !accountId.test(arn.account)) return false;
  if (/[*?]/.test(arn.path)) return false;
  return arn.service === "iam" ? iamPath.test(arn.path) : arn.service === "sts" && sessionPath.test(arn.path);
}
