/** Versions of the language. Only the newer one knows variables; a document without a version has the older one. */
export type PolicyVersion = "2012-10-17" | "2008-10-17";

/** What a statement does when it matches. */
export type Effect = "Allow" | "Deny";

/** Kinds of principals. `*` stands for everyone, the anonymous included. */
export type PrincipalType = "AWS" | "CanonicalUser" | "Federated" | "Service";

/** One named principal: ARN, account, `*`, unique id, canonical id, provider or service. */
export interface PrincipalEntry {
  readonly type: PrincipalType;
  readonly value: string;
}

/** A list of patterns, or of principals, and whether it names what is left out. */
export interface Listed<Item> {
  /** True for NotPrincipal, NotAction, NotResource. */
  readonly negated: boolean;
  /** At least one. */
  readonly items: readonly Item[];
}

/** How the values of a request are taken together. Without a quantifier there must be one at most. */
export type Quantifier = "ForAnyValue" | "ForAllValues";

/** One operator on one key. */
export interface ConditionClause {
  readonly quantifier: Quantifier | undefined;
  /** Without quantifier and suffix, for example `StringLike`; one that is unknown is never satisfied. */
  readonly operator: string;
  readonly ifExists: boolean;
  /** In the catalogue's spelling when it is known. */
  readonly key: string;
  /** At least one; numbers and booleans as text. */
  readonly values: readonly string[];
}

/** One statement; absent elements are undefined. */
export interface PolicyStatement {
  readonly sid: string | undefined;
  readonly effect: Effect;
  readonly principal: Listed<PrincipalEntry> | undefined;
  /** `*` or `service:name`, with `*` and `?` in the name. */
  readonly action: Listed<string>;
  /** `*` or ARNs, with wildcards and variables. Undefined in trust policies alone. */
  readonly resource: Listed<string> | undefined;
  /** All must hold. */
  readonly conditions: readonly ConditionClause[];
}

/** A policy after parsing: one form for every way to write it. Plain data. */
export interface PolicyDocument {
  readonly version: PolicyVersion;
  readonly id: string | undefined;
  readonly statements: readonly PolicyStatement[];
}

/**
 * Where a policy is used: what it may contain and how long it may be.
 * - `managed`: attached to users, groups, roles, or used as a permission boundary
 * - `userInline`, `groupInline`, `roleInline`: part of an identity
 * - `key`, `session`: narrows an access key or temporary credentials
 * - `bucket`, `trust`: attached to a resource, names principals
 */
export type PolicyKind =
  | "managed"
  | "userInline"
  | "groupInline"
  | "roleInline"
  | "key"
  | "session"
  | "bucket"
  | "trust";
