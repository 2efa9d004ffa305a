/** Type of a key's values. */
export type ConditionKeyType = "string" | "numeric" | "date" | "boolean" | "ip" | "arn";

/** One condition key. */
export interface ConditionKeySpec {
  /** As a request's values name it; of a family of keys (`aws:ResourceTag/`) the part up to the slash. */
  readonly name: string;
  readonly type: ConditionKeyType;
  /** True when a request may have several values: such a key wants a quantifier and is no variable. */
  readonly multivalued: boolean;
  /** False for keys of AWS that cannot exist here: policies may name them, requests never have them. */
  readonly exists: boolean;
}

/** A key a policy names. */
export interface FoundConditionKey {
  /** The catalogue's spelling; of a tag key with the tag's, in lower case where case does not count. */
  readonly name: string;
  readonly spec: ConditionKeySpec;
}

/**
 * Keys by service, each `name`, `name:type`; `[]` for several values, a final `/` for a family.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html,
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys
 */
const existingKeys: Readonly<Record<string, string>> = {
  aws: `CurrentTime:date EpochTime:date SecureTransport:boolean SourceIp:ip UserAgent Referer RequestedRegion username
    userid PrincipalArn:arn PrincipalAccount PrincipalType PrincipalTag/ ResourceAccount ResourceTag/ RequestTag/ TagKeys[]
    MultiFactorAuthPresent:boolean MultiFactorAuthAge:numeric TokenIssueTime:date FederatedProvider:arn SourceIdentity
    SourceArn:arn SourceAccount`,
  s3: `prefix delimiter max-keys:numeric VersionId LocationConstraint authType signatureversion signatureAge:numeric
    TlsVersion:numeric ResourceAccount x-amz-acl x-amz-grant-read x-amz-grant-write x-amz-grant-read-acp
    x-amz-grant-write-acp x-amz-grant-full-control x-amz-content-sha256 x-amz-copy-source x-amz-metadata-directive
    x-amz-object-ownership x-amz-storage-class x-amz-server-side-encryption x-amz-server-side-encryption-aws-kms-key-id:arn
    x-amz-server-side-encryption-customer-algorithm x-amz-website-redirect-location ExistingObjectTag/ RequestObjectTag/
    RequestObjectTagKeys[] BucketTag/ object-lock-mode object-lock-retain-until-date:date
    object-lock-remaining-retention-days:numeric object-lock-legal-hold if-match if-none-match
    ObjectCreationOperation:boolean InventoryAccessibleOptionalFields[]`,
  sts: "ExternalId RoleSessionName SourceIdentity TransitiveTagKeys[]",
  iam: "PermissionsBoundary:arn PolicyARN:arn",
  ldap: "groups[]",
  maxiofs: "Via",
};

const absentKeys: Readonly<Record<string, string>> = {
  aws: `SourceVpc SourceVpce SourceVpcArn:arn VpcSourceIp:ip VpceAccount VpceOrgID VpceOrgPaths[] PrincipalOrgID
    PrincipalOrgPaths[] ResourceOrgID ResourceOrgPaths[] SourceOrgID SourceOrgPaths[] PrincipalIsAWSService:boolean
    PrincipalServiceName PrincipalServiceNamesList[] CalledVia[] CalledViaFirst CalledViaLast ViaAWSService:boolean
    SourceOwner AssumedRoot:boolean Ec2InstanceSourceVpc Ec2InstanceSourcePrivateIPv4:ip`,
  s3: `DataAccessPointArn:arn DataAccessPointAccount AccessPointNetworkOrigin AccessPointTag/ AccessGrantsInstanceArn:arn
    AccessGrantsLocationScope DestinationRegion isReplicationPauseRequest:boolean JobSuspendedCause RequestJobOperation
    RequestJobPriority:numeric ExistingJobOperation ExistingJobPriority:numeric`,
};

/** Claims of an identity provider's tokens, each a key `<issuer>:<claim>`. */
const issuerClaims: readonly ConditionKeySpec[] = ["sub", "aud", "azp", "amr[]", "groups[]"].map((text) =>
  parseSpec("", text, true),
);
const issuer = /^[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d{1,5})?(?:\/[A-Za-z0-9._~/-]*)?$/;

const keysByLowerName: ReadonlyMap<string, ConditionKeySpec> = new Map(
  [...parseCatalogue(existingKeys, true), ...parseCatalogue(absentKeys, false)].map((spec) => [
    spec.name.toLowerCase(),
    spec,
  ]),
);

/** Every key of the catalogue; an identity provider's claims (`<issuer>:sub`) are not listed. */
export const conditionKeys: readonly ConditionKeySpec[] = [...keysByLowerName.values()];

/** Finds a key as a policy writes it, in any case; undefined when there is none of that name. */
export function findConditionKey(text: string): FoundConditionKey | undefined {
  const exact = keysByLowerName.get(text.toLowerCase());
  if (exact !== undefined) return exact.name.endsWith("/") ? undefined : { name: exact.name, spec: exact };
  const slash = text.indexOf("/");
  const family = slash < 0 ? undefined : keysByLowerName.get(text.slice(0, slash + 1).toLowerCase());
  if (family !== undefined) return { name: tagConditionKey(family.name, text.slice(slash + 1)), spec: family };
  return findIssuerKey(text);
}

/**
 * The name under which a request has the tag of this key. Tags of identities have no case in their keys, those of objects have.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html, "case sensitivity"
 */
export function tagConditionKey(family: string, key: string): string {
  return family + (family.startsWith("aws:") ? key.toLowerCase() : key);
}

/** Values of the keys of a family, such as `aws:RequestTag/`, for tags. Tags whose keys are one key here have all their values. */
export function tagValues(
  family: string,
  tags: Iterable<readonly [key: string, value: string]>,
): ReadonlyMap<string, string | readonly string[]> {
  const values = new Map<string, string | readonly string[]>();
  for (const [key, value] of tags) {
    const name = tagConditionKey(family, key);
    const known = values.get(name);
    values.set(name, known === undefined ? value : [known, value].flat());
  }
  return values;
}

function findIssuerKey(text: string): FoundConditionKey | undefined {
  const colon = text.lastIndexOf(":");
  const claim = issuerClaims.find((candidate) => candidate.name === text.slice(colon + 1).toLowerCase());
  const host = text.slice(0, Math.max(colon, 0));
  if (claim === undefined || !issuer.test(host)) return undefined;
  return { name: `${host}:${claim.name}`, spec: claim };
}

function parseCatalogue(catalogue: Readonly<Record<string, string>>, exists: boolean): ConditionKeySpec[] {
  return Object.entries(catalogue).flatMap(([service, names]) =>
    names.split(/\s+/).map((text) => parseSpec(`${service}:`, text, exists)),
  );
}

function parseSpec(prefix: string, text: string, exists: boolean): ConditionKeySpec {
  const multivalued = text.endsWith("[]");
  const [name = "", type] = (multivalued ? text.slice(0, -2) : text).split(":");
  return { name: prefix + name, type: typeNamed(type), multivalued, exists };
}

function typeNamed(text: string | undefined): ConditionKeyType {
  switch (text) {
    case "numeric":
    case "date":
    case "boolean":
    case "ip":
    case "arn":
      return text;
    default:
      return "string";
  }
}
