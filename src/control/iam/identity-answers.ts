import { t } from "elysia";
import { textOrNull, timeOrNull, timeText } from "../http/route-answer.ts";

const strict = { additionalProperties: false };
const status = t.Union([t.Literal("active"), t.Literal("suspended")]);
const tags = t.Record(t.String(), t.String());
const whole = t.Integer({ minimum: 0 });
const bound = t.Optional(t.Union([whole, t.Null()]));
const holder = {
  tenantId: t.String({ description: "ULID" }),
  arn: t.String(),
  name: t.String(),
  path: t.String(),
  policyIds: t.Array(t.String(), { description: "Of attached managed policies; of built-in ones their ARNs" }),
  inlinePolicies: t.Array(t.String(), { description: "Their names" }),
  createdAt: timeText,
  revision: whole,
};

const keyLimitsSchema = t.Object(
  { requestsPerSecond: bound, maxConnections: bound, bytesPerSecond: bound },
  { $id: "KeyLimits", ...strict },
);

/** A tenant as answered. */
export const tenantSchema = t.Object(
  {
    tenantId: t.String({ description: "ULID" }),
    slug: t.String(),
    displayName: t.String(),
    email: t.String(),
    accountId: t.String({ description: "12 digits" }),
    canonicalId: t.String({ description: "64 hex digits" }),
    status,
    limits: t.Object(
      {
        ...{
          maxBytes: bound,
          maxObjects: bound,
          maxBuckets: bound,
          maxUsers: bound,
          maxGroups: bound,
          maxRoles: bound,
        },
        ...{ maxPolicies: bound, maxKeysPerUser: bound, requestsPerSecond: bound, maxConnections: bound },
        bytesPerSecond: bound,
      },
      { ...strict, description: "null is unlimited, absent the default" },
    ),
    createdAt: timeText,
    revision: whole,
  },
  { $id: "Tenant", ...strict },
);

/** Credentials of an entered tenant, this once. */
export const enteredSchema = t.Object(
  {
    ...{ accessKeyId: t.String(), secretKey: t.String(), sessionToken: t.String() },
    arn: t.String({ description: "Whom policies of the tenant see" }),
    ...{ readOnly: t.Boolean(), expiresAt: timeText },
  },
  { $id: "EnteredTenant", ...strict },
);

/** A user as answered. */
export const userSchema = t.Object(
  {
    ...holder,
    userId: t.String(),
    global: t.Boolean({ description: "A global administrator" }),
    status,
    tags,
    boundaryPolicyId: textOrNull,
    groupIds: t.Array(t.String()),
  },
  { $id: "User", ...strict },
);

/** A group as answered. */
export const groupSchema = t.Object(
  { ...holder, groupId: t.String(), memberCount: whole },
  { $id: "Group", ...strict },
);

/** A member of a group as answered. */
export const memberSchema = t.Object({ userId: t.String(), name: t.String() }, { $id: "Member", ...strict });

/** A role as answered. */
export const roleSchema = t.Object(
  {
    ...holder,
    roleId: t.String(),
    tags,
    boundaryPolicyId: textOrNull,
    description: t.String(),
    trustPolicy: t.String({ description: "JSON: who may assume it" }),
    maxSessionSeconds: whole,
  },
  { $id: "Role", ...strict },
);

/** A managed policy as answered. */
export const policySchema = t.Object(
  {
    policyId: t.String(),
    arn: t.String(),
    name: t.String(),
    path: t.String(),
    description: t.String(),
    document: t.String({ description: "JSON of the default version" }),
    defaultVersion: whole,
    isBuiltIn: t.Boolean(),
    attachmentCount: whole,
    createdAt: timeText,
    updatedAt: timeText,
    revision: whole,
  },
  { $id: "Policy", ...strict },
);

/** One version of a managed policy as answered. */
export const policyVersionSchema = t.Object(
  { version: whole, isDefault: t.Boolean(), document: t.String(), createdAt: timeText },
  { $id: "PolicyVersion", ...strict },
);

/** An inline policy as answered. */
export const inlinePolicySchema = t.Object(
  { name: t.String(), document: t.String() },
  { $id: "InlinePolicy", ...strict },
);

const remark = t.Object({ pointer: t.String(), message: t.String() }, strict);

/** What judging a policy's text found. */
export const validationSchema = t.Object(
  { valid: t.Boolean(), problems: t.Array(remark), warnings: t.Array(remark) },
  { $id: "PolicyValidation", ...strict },
);

/** An access key as answered. */
export const keySchema = t.Object(
  {
    accessKeyId: t.String(),
    tenantId: t.String(),
    userId: t.String(),
    userName: t.String(),
    enabled: t.Boolean(),
    description: t.String(),
    policy: t.Union([t.String(), t.Null()], { description: "JSON that narrows it; null: it may do what its user may" }),
    inheritedPolicies: t.Array(t.String(), { description: "Policies of the key that made it: they narrow it too" }),
    madeBy: textOrNull,
    limits: keyLimitsSchema,
    createdAt: timeText,
    expiresAt: timeOrNull,
    lastUsedAt: timeOrNull,
    lastUsedService: textOrNull,
    lastUsedOperation: textOrNull,
    revision: whole,
  },
  { $id: "AccessKey", ...strict },
);

/** The answer that holds a key's secret, this once. */
export const madeKeySchema = t.Object(
  { ...keySchema.properties, secretKey: t.String() },
  { $id: "NewAccessKey", ...strict },
);
