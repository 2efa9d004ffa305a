import { builtInPrefix, findBuiltInPolicy } from "#kernel/policy/built-in-policies.ts";
import { tagValues } from "#kernel/policy/condition-keys.ts";
import type { IdentityTag, PolicyHolder } from "#kernel/protocol/identities.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";
import type { AskedValues } from "./caller-request.ts";

type Entries = Pick<SnapshotPublisher, "entries">;

/** What of an identity the policies are asked about. */
export type AskedIdentity = PolicyHolder & {
  readonly arn: string;
  readonly tags?: readonly IdentityTag[];
  readonly boundaryPolicyId?: string | null;
};

/** Parts of an identity that a call changes; absent ones stay. */
export interface AskedPatch {
  readonly name?: string | undefined;
  readonly path?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** By id or ARN; null takes it away. */
  readonly boundary?: string | null | undefined;
  readonly trustPolicy?: string | undefined;
  readonly description?: string | undefined;
  readonly maxSessionSeconds?: number | undefined;
}

/** An action to ask for, and about what. */
export interface AskedEdit {
  readonly action: string;
  readonly arn: string;
  readonly values: AskedValues;
}

/** The ARN of a managed policy, by its id or ARN or by a built-in one's name; of one that is not there the text itself. */
export function policyArnOf(publisher: Entries, policy: string): string {
  const builtIn = findBuiltInPolicy(policy);
  if (builtIn !== undefined) return builtInPrefix + builtIn.name;
  return publisher.entries("policy").get(policy)?.arn ?? policy;
}

/** Tags that a call sets, `aws:RequestTag/` and `aws:TagKeys`. */
export function requestTagValues(tags: Readonly<Record<string, string>> = {}): AskedValues {
  return {
    ...Object.fromEntries(tagValues("aws:RequestTag/", Object.entries(tags))),
    "aws:TagKeys": Object.keys(tags),
  };
}

/** The tags that an identity has, `aws:ResourceTag/`, and its boundary, `iam:PermissionsBoundary`. */
export function identityValues(publisher: Entries, { tags = [], boundaryPolicyId }: AskedIdentity): AskedValues {
  return { ...Object.fromEntries(tagValues("aws:ResourceTag/", tags)), ...boundaryValue(publisher, boundaryPolicyId) };
}

/** The boundary that a call gives, or that an identity has; nothing for none. */
export function boundaryValue(publisher: Entries, policy: string | null | undefined): AskedValues {
  return policy === null || policy === undefined ? {} : { "iam:PermissionsBoundary": policyArnOf(publisher, policy) };
}

/**
 * What an edit of several parts at once asks for: for each part the action that AWS has for it, for a move or another name both
 * ARNs. An edit of nothing asks for the update itself.
 * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
 */
export function editsAsked(
  publisher: Entries,
  noun: "User" | "Role" | "Group",
  { identity, patch }: { readonly identity: AskedIdentity; readonly patch: AskedPatch },
): readonly AskedEdit[] {
  const values = identityValues(publisher, identity);
  const ask = (action: string, more: AskedValues = {}, arn = identity.arn) => ({
    action: `iam:${action}`,
    arn,
    values: { ...values, ...more },
  });
  const edits: AskedEdit[] = [];
  const { tags, boundary, trustPolicy } = patch;
  if (tags !== undefined)
    edits.push(...tagEdits(identity.tags ?? [], tags, (action, more) => ask(action + noun, more)));
  if (boundary === null) edits.push(ask(`Delete${noun}PermissionsBoundary`));
  else if (boundary !== undefined) edits.push(ask(`Put${noun}PermissionsBoundary`, boundaryValue(publisher, boundary)));
  if (trustPolicy !== undefined) edits.push(ask("UpdateAssumeRolePolicy"));
  const isUpdate = [patch.name, patch.path, patch.description, patch.maxSessionSeconds].some(
    (part) => part !== undefined,
  );
  if (isUpdate || edits.length === 0) edits.push(ask(`Update${noun}`));
  const moved = movedArn(identity, patch);
  if (moved !== identity.arn) edits.push(ask(`Update${noun}`, {}, moved));
  return edits;
}

function tagEdits(
  before: readonly IdentityTag[],
  after: Readonly<Record<string, string>>,
  ask: (action: "Tag" | "Untag", values: AskedValues) => AskedEdit,
): readonly AskedEdit[] {
  const had = new Map(before);
  const set = Object.entries(after).filter(([key, value]) => had.get(key) !== value);
  const removed = [...had.keys()].filter((key) => !Object.hasOwn(after, key));
  return [
    ...(set.length > 0 ? [ask("Tag", requestTagValues(Object.fromEntries(set)))] : []),
    ...(removed.length > 0 ? [ask("Untag", { "aws:TagKeys": removed })] : []),
  ];
}

function movedArn({ arn, path, name }: AskedIdentity, patch: AskedPatch): string {
  const stem = arn.slice(0, arn.length - path.length - name.length);
  return `${stem}${patch.path ?? path}${patch.name ?? name}`;
}
