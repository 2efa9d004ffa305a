import { findAction } from "./actions.ts";
import {
  type CompiledPolicy,
  type CompiledStatement,
  type StatementRef,
  statementsOfAction,
} from "./compile-policy.ts";
import { type AccessRequest, allows, denies } from "./evaluate-statement.ts";

/** What narrows a credential; each must allow. */
export type NarrowingLayer = "sessionPolicy" | "keyPolicy" | "boundary";

/** What a decision was made by. `flag`: the action wants a global administrator. */
export type DecidingLayer =
  | NarrowingLayer
  | "identityPolicy"
  | "bucketPolicy"
  | "trustPolicy"
  | "acl"
  | "publicAccessBlock"
  | "flag";

/** One link of the chain a credential carries; its policies count together. */
export interface NarrowingLink {
  readonly layer: NarrowingLayer;
  /** Without any, the link allows nothing. */
  readonly policies: readonly CompiledPolicy[];
}

/** What a resource itself says about who may use it. */
export interface ResourceGrants {
  readonly layer: "bucketPolicy" | "trustPolicy";
  readonly policy: CompiledPolicy | undefined;
  /** True when the policy lets anyone in without a fixed restriction: `isPublicPolicy`. */
  readonly isPublic: boolean;
  /** True when the owner of the bucket owns the object too: a bucket policy opens no foreign object. Its Deny always counts. */
  readonly opensObject: boolean;
  /** An ACL lets the caller in: after IgnorePublicAcls, and only where ACLs count at all. */
  readonly aclAllows: boolean;
  /** RestrictPublicBuckets of server, tenant or bucket: a public policy lets only callers of the owner's account in. */
  readonly restrictsPublic: boolean;
}

/** Everything that speaks about a request. */
export interface PolicySets {
  /** Session policies, key policy, boundary: all that narrowed the credential, in any order. */
  readonly narrowing: readonly NarrowingLink[];
  /** Of user, groups or role; of anonymous callers and services none. */
  readonly identity: readonly CompiledPolicy[];
  /** Undefined for resources that have neither policy nor ACL. */
  readonly resource: ResourceGrants | undefined;
}

/** The decision and what made it. */
export interface Decision {
  readonly outcome: "allow" | "explicitDeny" | "implicitDeny";
  /** Of an allow what granted, of an explicit deny what denied, of an implicit one what would have to allow first. */
  readonly layer: DecidingLayer;
  /** The statement; undefined when nothing matched, or when no statement decides (ACL, flag). */
  readonly by: StatementRef | undefined;
}

/**
 * Decides a request: explicit deny first, then every link that narrows, then a grant; nothing granted is denied.
 * Signature, expiry and status of the credential were checked before. An operation with several actions asks for each.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html; unlike there, no bucket
 * policy lifts what a session or a boundary narrows.
 */
export function evaluateAccess(request: AccessRequest, sets: PolicySets): Decision {
  if (needsFlag(request)) return { outcome: "implicitDeny", layer: "flag", by: undefined };
  const { resource } = request;
  const bucket = resource.service === "s3" ? bucketOf(resource.path) : "";
  const asked: AskedRequest = { ...request, bucket };
  return findDenial(asked, sets) ?? findNarrowing(asked, sets) ?? findGrant(asked, sets);
}

/** A request with the name its statements are found by. */
interface AskedRequest extends AccessRequest {
  readonly bucket: string;
}

function bucketOf(path: string): string {
  const slash = path.indexOf("/");
  return slash < 0 ? path : path.slice(0, slash);
}

function needsFlag({ action, caller }: AccessRequest): boolean {
  if (!action.startsWith("maxiofs:") || findAction(action)?.global !== true) return false;
  return caller.kind !== "user" || !caller.global;
}

function findDenial(request: AskedRequest, { narrowing, identity, resource }: PolicySets): Decision | undefined {
  for (const { layer, policies } of narrowing) {
    const by = denialOf(policies, request);
    if (by !== undefined) return { outcome: "explicitDeny", layer, by };
  }
  const byIdentity = denialOf(identity, request);
  if (byIdentity !== undefined) return { outcome: "explicitDeny", layer: "identityPolicy", by: byIdentity };
  if (resource?.policy === undefined) return undefined;
  const by = firstDenial(resource.policy, request);
  return by && { outcome: "explicitDeny", layer: resource.layer, by };
}

function findNarrowing(request: AskedRequest, { narrowing }: PolicySets): Decision | undefined {
  for (const { layer, policies } of narrowing) {
    if (grantOf(policies, request) === undefined) return { outcome: "implicitDeny", layer, by: undefined };
  }
  return undefined;
}

/** What lets the caller in: callers of the owner's account need one grant, others one on both sides. */
function findGrant(request: AskedRequest, sets: PolicySets): Decision {
  const { caller } = request;
  if (caller.kind !== "user" && caller.kind !== "role") return grantByResource(request, sets);
  const isOwn = request.resource.account === "" || request.resource.account === caller.accountId;
  const by = grantOf(sets.identity, request);
  if (by === undefined) {
    return isOwn ? grantByResource(request, sets) : { outcome: "implicitDeny", layer: "identityPolicy", by: undefined };
  }
  const isTrust = sets.resource?.layer === "trustPolicy";
  if (isOwn && !isTrust) return { outcome: "allow", layer: "identityPolicy", by };
  const side = grantByResource(request, sets, { delegated: true });
  return side.outcome === "allow" ? { outcome: "allow", layer: side.layer, by: side.by ?? by } : side;
}

/**
 * What a bucket policy, a trust policy or an ACL grants. Naming the caller's account delegates to the account's policies, so
 * it counts only when they allow (`delegated`).
 */
function grantByResource(request: AskedRequest, { resource }: PolicySets, { delegated = false } = {}): Decision {
  if (resource === undefined) return { outcome: "implicitDeny", layer: "identityPolicy", by: undefined };
  const grant = resource.policy && resource.opensObject ? strongestGrant(resource.policy, request) : undefined;
  const isEnough = grant !== undefined && (grant.match === "direct" || delegated);
  const isBlocked = resource.restrictsPublic && resource.isPublic && !isOfOwner(request);
  if (isEnough && !isBlocked) return { outcome: "allow", layer: resource.layer, by: grant.by };
  if (resource.aclAllows) return { outcome: "allow", layer: "acl", by: undefined };
  if (isEnough) return { outcome: "implicitDeny", layer: "publicAccessBlock", by: grant.by };
  const isOwn = isOfOwner(request) && resource.layer !== "trustPolicy";
  return { outcome: "implicitDeny", layer: isOwn ? "identityPolicy" : resource.layer, by: undefined };
}

/** Callers of the owner's account, and parts of the server that act for it. */
function isOfOwner({ caller, resource }: AccessRequest): boolean {
  if (caller.kind === "service") return true;
  return (caller.kind === "user" || caller.kind === "role") && caller.accountId === resource.account;
}

function denialOf(policies: readonly CompiledPolicy[], request: AskedRequest): StatementRef | undefined {
  for (const policy of policies) {
    const by = firstDenial(policy, request);
    if (by !== undefined) return by;
  }
  return undefined;
}

function firstDenial(policy: CompiledPolicy, request: AskedRequest): StatementRef | undefined {
  const { byBucket, others } = statementsOfAction(policy, request.action).deny;
  for (const statement of byBucket.get(request.bucket) ?? none) if (denies(statement, request)) return statement.ref;
  for (const statement of others) if (denies(statement, request)) return statement.ref;
  return undefined;
}

function grantOf(policies: readonly CompiledPolicy[], request: AskedRequest): StatementRef | undefined {
  for (const policy of policies) {
    const { byBucket, others } = statementsOfAction(policy, request.action).allow;
    const by = firstAllow(byBucket.get(request.bucket) ?? none, request) ?? firstAllow(others, request);
    if (by !== undefined) return by;
  }
  return undefined;
}

const none: readonly CompiledStatement[] = [];

function firstAllow(statements: readonly CompiledStatement[], request: AskedRequest): StatementRef | undefined {
  for (const statement of statements) if (allows(statement, request) !== undefined) return statement.ref;
  return undefined;
}

interface ResourceGrant {
  readonly match: "direct" | "account";
  readonly by: StatementRef;
}

function strongestGrant(policy: CompiledPolicy, request: AskedRequest): ResourceGrant | undefined {
  let delegation: CompiledStatement | undefined;
  const { byBucket, others } = statementsOfAction(policy, request.action).allow;
  for (const statement of [...(byBucket.get(request.bucket) ?? none), ...others]) {
    const match = allows(statement, request);
    if (match === "direct") return { match, by: statement.ref };
    if (match === "account") delegation ??= statement;
  }
  return delegation && { match: "account", by: delegation.ref };
}
