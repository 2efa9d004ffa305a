import { operations } from "../s3/operation-table.ts";
import type { RequiredAction } from "../s3/required-action.ts";
import { compilePattern, matchPattern } from "./pattern.ts";

/** What an action is asked for on. `server` means everything, `*`. */
export type ActionResource = "server" | "bucket" | "object" | "identity" | "tenant" | "role" | "job";

/** One action of the catalogue. */
export interface ActionSpec {
  /** `service:Name` in its usual spelling; policies may write it in any case. */
  readonly name: string;
  /** The resources it is asked for on; at least one. */
  readonly on: readonly ActionResource[];
  /** S3 operations that need it, always or under a condition; none outside S3. */
  readonly operations: readonly string[];
  /** True when it touches the whole server: the caller's `global` flag is wanted beside a policy. */
  readonly global: boolean;
}

/** S3 actions that no operation of the table needs: held back by other parts, or of the control API. */
const otherS3Actions = `bucket: UntagResource ListTagsForResource
  server: GetAccountPublicAccessBlock PutAccountPublicAccessBlock
  object: ObjectOwnerOverrideToBucketOwner GetObjectVersionForReplication`;

/**
 * Actions of the IAM protocol and of the control API's identity routes.
 * Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
 */
const iamActions = `identity: AddClientIDToOpenIDConnectProvider AddUserToGroup AttachGroupPolicy AttachRolePolicy
  AttachUserPolicy ChangePassword CreateAccessKey CreateGroup CreateLoginProfile CreateOpenIDConnectProvider CreatePolicy
  CreatePolicyVersion CreateRole CreateUser CreateVirtualMFADevice DeactivateMFADevice DeleteAccessKey DeleteGroup
  DeleteGroupPolicy DeleteLoginProfile DeleteOpenIDConnectProvider DeletePolicy DeletePolicyVersion DeleteRole
  DeleteRolePermissionsBoundary DeleteRolePolicy DeleteUser DeleteUserPermissionsBoundary DeleteUserPolicy
  DeleteVirtualMFADevice DetachGroupPolicy DetachRolePolicy DetachUserPolicy EnableMFADevice GetAccessKeyLastUsed
  GetContextKeysForPrincipalPolicy GetGroup GetGroupPolicy GetLoginProfile GetMFADevice GetOpenIDConnectProvider GetPolicy
  GetPolicyVersion GetRole GetRolePolicy GetUser GetUserPolicy ListAccessKeys ListAttachedGroupPolicies
  ListAttachedRolePolicies ListAttachedUserPolicies ListEntitiesForPolicy ListGroupPolicies ListGroupsForUser
  ListInstanceProfilesForRole ListMFADevices ListOpenIDConnectProviderTags ListPolicyTags ListPolicyVersions
  ListRolePolicies ListRoleTags ListServiceSpecificCredentials ListSigningCertificates ListSSHPublicKeys ListUserPolicies
  ListUserTags PassRole PutGroupPolicy PutRolePermissionsBoundary PutRolePolicy PutUserPermissionsBoundary PutUserPolicy
  RemoveClientIDFromOpenIDConnectProvider RemoveUserFromGroup ResyncMFADevice SetDefaultPolicyVersion
  SimulatePrincipalPolicy TagOpenIDConnectProvider TagPolicy TagRole TagUser UntagOpenIDConnectProvider UntagPolicy UntagRole
  UntagUser UpdateAccessKey UpdateAssumeRolePolicy UpdateGroup UpdateLoginProfile
  UpdateOpenIDConnectProviderThumbprint UpdateRole UpdateRoleDescription UpdateUser
  server: CreateAccountAlias DeleteAccountAlias DeleteAccountPasswordPolicy GenerateCredentialReport
  GetAccountAuthorizationDetails GetAccountPasswordPolicy GetAccountSummary GetContextKeysForCustomPolicy
  GetCredentialReport ListAccountAliases ListGroups ListInstanceProfiles ListOpenIDConnectProviders ListPolicies ListRoles
  ListUsers ListVirtualMFADevices SimulateCustomPolicy UpdateAccountPasswordPolicy`;

/** Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html */
const stsActions = `role: AssumeRole AssumeRoleWithWebIdentity SetSourceIdentity TagSession
  identity: GetFederationToken
  server: GetCallerIdentity GetSessionToken`;

const tenantActions = `tenant: SetBucketQuota TransferBucket RescueBucketPolicy CreateShare
  identity: UnlockUser ManageSessions
  job: OperateReplication OperateNotifications ReadJobs RunJob
  server: ReadAudit ExportAudit ReadMetrics ReadSystem ExplainAccess`;

const globalActions = `tenant: ListTenants GetTenant CreateTenant UpdateTenant DeleteTenant EnterTenant SetTenantQuota
  identity: SetGlobal
  server: ReadSettings UpdateSettings ManageProviders ReadLogs ManageLogs ReadAlerts AcknowledgeAlert ReadCluster
  ManageCluster ReadKeys RotateKeys ExportKeys Profile Backup`;

const actionsByLowerName = buildCatalogue();

/** Every action of the server, by service and name. */
export const actionCatalogue: readonly ActionSpec[] = [...actionsByLowerName.values()];

/** Services whose actions policies may name. */
export const actionServices: ReadonlySet<string> = new Set(
  actionCatalogue.map((action) => action.name.slice(0, action.name.indexOf(":"))),
);

/** Finds an action in any case. */
export function findAction(name: string): ActionSpec | undefined {
  return actionsByLowerName.get(name.toLowerCase());
}

/** Whether a pattern of a policy stands for any action at all. */
export function matchesSomeAction(pattern: string): boolean {
  if (findAction(pattern) !== undefined) return true;
  const compiled = compilePattern(pattern, { wildcards: true, variables: false, ignoreCase: true });
  for (const name of actionsByLowerName.keys()) if (matchPattern(compiled, name, noValues) === true) return true;
  return false;
}

const noValues: ReadonlyMap<string, string> = new Map();

interface GrowingAction {
  readonly name: string;
  readonly on: Set<ActionResource>;
  readonly operations: Set<string>;
  readonly global: boolean;
}

function buildCatalogue(): ReadonlyMap<string, ActionSpec> {
  const growing = new Map<string, GrowingAction>();
  const add = (name: string, on: ActionResource, { operation = "", global = false } = {}) => {
    const found = growing.get(name.toLowerCase()) ?? { name, on: new Set(), operations: new Set(), global };
    found.on.add(on);
    if (operation !== "") found.operations.add(operation);
    growing.set(name.toLowerCase(), found);
  };
  for (const operation of operations) {
    for (const required of operation.actions) {
      const on = resourceOf(required);
      add(required.action, on, { operation: operation.name });
      if (required.versionAction !== undefined) add(required.versionAction, on, { operation: operation.name });
    }
  }
  for (const [service, text] of [
    ["s3", otherS3Actions],
    ["iam", iamActions],
    ["sts", stsActions],
    ["maxiofs", tenantActions],
  ] as const) {
    for (const [name, on] of parseActions(text)) add(`${service}:${name}`, on);
  }
  for (const [name, on] of parseActions(globalActions)) add(`maxiofs:${name}`, on, { global: true });
  return new Map(
    [...growing].map(([lowerName, { name, on, operations: names, global }]) => [
      lowerName,
      { name, on: [...on], operations: [...names], global },
    ]),
  );
}

function resourceOf({ on }: RequiredAction): ActionResource {
  if (on === "service") return "server";
  return on === "bucket" ? "bucket" : "object";
}

/** Names below their resource: `bucket: A B object: C`. */
function parseActions(text: string): [name: string, on: ActionResource][] {
  let on: ActionResource = "server";
  return text.split(/\s+/).flatMap((word) => {
    if (!word.endsWith(":")) return [[word, on] satisfies [string, ActionResource]];
    on = resourceNamed(word.slice(0, -1));
    return [];
  });
}

function resourceNamed(text: string): ActionResource {
  switch (text) {
    case "bucket":
    case "object":
    case "identity":
    case "tenant":
    case "role":
    case "job":
      return text;
    default:
      return "server";
  }
}
