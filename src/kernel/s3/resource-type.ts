import type { OperationLevel } from "./operation.ts";

/** Names that are not the sub-resource in capitals with `_` for `-`. */
const bucketTypes: ReadonlyMap<string, string> = new Map([
  ["versions", "BUCKETVERSIONS"],
  ["delete", "MULTI_OBJECT_DELETE"],
  ["ownershipControls", "OWNERSHIP_CONTROLS"],
  ["publicAccessBlock", "PUBLIC_ACCESS_BLOCK"],
  ["policy", "BUCKETPOLICY"],
  ["policyStatus", "POLICY_STATUS"],
  ["object-lock", "OBJECT_LOCK_CONFIGURATION"],
  ["logging", "LOGGING_STATUS"],
  ["requestPayment", "REQUEST_PAYMENT"],
]);

const keyTypes: ReadonlyMap<string, string> = new Map([
  ["uploadId", "UPLOAD"],
  ["attributes", "OBJECT_ATTRIBUTES"],
  ["tagging", "OBJECT_TAGGING"],
  ["retention", "OBJECT_LOCK_RETENTION"],
  ["legal-hold", "OBJECT_LOCK_LEGALHOLD"],
]);

/**
 * The resource type of a request as error documents (`ResourceType`) and access logs (`REST.GET.<type>`) name it.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html, field Operation.
 */
export function resourceType(level: OperationLevel, subresource: string | undefined): string {
  if (level === "service") return "SERVICE";
  if (subresource === undefined) return level === "bucket" ? "BUCKET" : "OBJECT";
  const named = (level === "bucket" ? bucketTypes : keyTypes).get(subresource);
  return named ?? subresource.replaceAll("-", "_").toUpperCase();
}
