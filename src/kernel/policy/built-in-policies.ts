import type { Effect, PolicyVersion } from "./policy-document.ts";

/** A statement of a built-in policy, as its text shows it. */
interface BuiltInStatement {
  readonly Effect: Effect;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
}

/** A managed policy that every tenant has. */
export interface BuiltInPolicy {
  readonly name: string;
  /** The name AWS gives the same policy; undefined when it has none. Both names attach it. */
  readonly awsName: string | undefined;
  readonly description: string;
  /** For `parsePolicy` and for clients: a managed policy of version 2012-10-17. */
  readonly text: string;
}

const ownUser = ["arn:aws:iam::*:user/$" + "{aws:username}", "arn:aws:iam::*:user/*/$" + "{aws:username}"];
const ownDevices = ["arn:aws:iam::*:mfa/$" + "{aws:username}", "arn:aws:iam::*:mfa/*/$" + "{aws:username}"];

/** What the ARNs of the server's own policies begin with. */
export const builtInPrefix = "arn:aws:iam::aws:policy/";

/** The managed policies of the server, by their ARNs `arn:aws:iam::aws:policy/<name>`. */
export const builtInPolicies: readonly BuiltInPolicy[] = [
  builtIn({
    name: "readwrite",
    awsName: "AmazonS3FullAccess",
    description: "All of S3: buckets, objects and their configuration",
    statements: [allow(["s3:*", "s3-object-lambda:*"], "*")],
  }),
  builtIn({
    name: "readonly",
    awsName: "AmazonS3ReadOnlyAccess",
    description: "Reads and lists everything in S3",
    statements: [
      allow(["s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*"], "*"),
    ],
  }),
  builtIn({
    name: "writeonly",
    awsName: undefined,
    description: "Uploads objects, in parts too, and reads nothing",
    statements: [
      allow(
        ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:ListBucketMultipartUploads"],
        "*",
      ),
    ],
  }),
  builtIn({
    name: "consoleAdmin",
    awsName: "AdministratorAccess",
    description: "Everything in the tenant",
    statements: [allow("*", "*")],
  }),
  builtIn({
    name: "IAMFullAccess",
    awsName: undefined,
    description: "Users, groups, roles, policies and keys of the tenant",
    statements: [allow("iam:*", "*")],
  }),
  builtIn({
    name: "diagnostics",
    awsName: undefined,
    description: "Metrics, logs, jobs and explanations; no objects",
    statements: [
      allow(
        [
          "maxiofs:ExplainAccess",
          "maxiofs:Profile",
          "maxiofs:ReadAlerts",
          "maxiofs:ReadCluster",
          "maxiofs:ReadJobs",
          "maxiofs:ReadLogs",
          "maxiofs:ReadMetrics",
          "maxiofs:ReadSystem",
        ],
        "*",
      ),
    ],
  }),
  builtIn({
    name: "auditor",
    awsName: undefined,
    description: "The audit trail, identities and configuration of buckets; no objects, no changes",
    statements: [
      allow(["maxiofs:ReadAudit", "maxiofs:ExportAudit", "iam:Get*", "iam:List*"], "*"),
      allow(
        [
          "s3:GetAccelerateConfiguration",
          "s3:GetAccountPublicAccessBlock",
          "s3:GetAnalyticsConfiguration",
          "s3:GetBucket*",
          "s3:GetEncryptionConfiguration",
          "s3:GetIntelligentTieringConfiguration",
          "s3:GetInventoryConfiguration",
          "s3:GetLifecycleConfiguration",
          "s3:GetMetricsConfiguration",
          "s3:GetReplicationConfiguration",
          "s3:ListAllMyBuckets",
        ],
        "*",
      ),
    ],
  }),
  builtIn({
    name: "selfService",
    awsName: undefined,
    description: "The own password, second factors, sessions and access keys",
    statements: [
      allow("iam:GetAccountPasswordPolicy", "*"),
      allow(
        [
          "iam:ChangePassword",
          "iam:CreateAccessKey",
          "iam:DeactivateMFADevice",
          "iam:DeleteAccessKey",
          "iam:EnableMFADevice",
          "iam:GetAccessKeyLastUsed",
          "iam:GetLoginProfile",
          "iam:GetMFADevice",
          "iam:GetUser",
          "iam:ListAccessKeys",
          "iam:ListMFADevices",
          "iam:ResyncMFADevice",
          "iam:UpdateAccessKey",
          "maxiofs:ManageSessions",
        ],
        ownUser,
      ),
      allow(["iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice"], ownDevices),
    ],
  }),
];

/** Finds a built-in policy by either of its names. */
export function findBuiltInPolicy(nameOrArn: string): BuiltInPolicy | undefined {
  const name = nameOrArn.startsWith(builtInPrefix) ? nameOrArn.slice(builtInPrefix.length) : nameOrArn;
  return builtInPolicies.find((policy) => policy.name === name || policy.awsName === name);
}

function allow(action: string | readonly string[], resource: string | readonly string[]): BuiltInStatement {
  return { Effect: "Allow", Action: action, Resource: resource };
}

function builtIn({
  statements,
  ...policy
}: Omit<BuiltInPolicy, "text"> & { readonly statements: readonly BuiltInStatement[] }): BuiltInPolicy {
  const version: PolicyVersion = "2012-10-17";
  return { ...policy, text: JSON.stringify({ Version: version, Statement: statements }, null, 2) };
}
