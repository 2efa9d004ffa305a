import { identityArn } from "#kernel/policy/identity-arn.ts";
import { ControlError } from "../../http/control-error.ts";
import type { SnapshotPublisher } from "../../snapshot/publisher.ts";

type Entries = Pick<SnapshotPublisher, "entries">;

/**
 * A trust policy as it is stored: ARNs of users and roles become the ids they mean now, so that a later user of the name gets nothing.
 * Accounts, services and sessions stay as they are. @param text a policy that was accepted
 * @throws ControlError InvalidRequest for the ARN of nobody
 */
export function storePrincipals(text: string, entries: Entries): string {
  return mapPrincipals(text, (value) => {
    if (!/^arn:aws:iam::\d{12}:(user|role)\//.test(value)) return value;
    const id = idOf(value, entries);
    if (id !== undefined) return id;
    throw new ControlError("InvalidRequest", "The policy is malformed", [
      { pointer: "/document/Statement", message: `There is no principal ${value}` },
    ]);
  });
}

/**
 * A stored trust policy as people of a tenant read it: ids become ARNs. Of principals that are gone the id stays, and of other
 * tenants' too: what those are called by now is theirs to know.
 */
export function showPrincipals(text: string, entries: Entries, tenantId: string): string {
  return mapPrincipals(text, (value) => {
    const owner = entries.entries("user").get(value) ?? entries.entries("role").get(value);
    return (owner?.tenantId === tenantId ? arnOf(value, entries) : undefined) ?? value;
  });
}

function mapPrincipals(text: string, map: (value: string) => string): string {
  const document = JSON.parse(text);
  const statements = Array.isArray(document.Statement) ? document.Statement : [document.Statement];
  for (const { Principal: principal } of statements) {
    const named = principal?.AWS;
    if (Array.isArray(named)) principal.AWS = named.map(map);
    else if (typeof named === "string") principal.AWS = map(named);
  }
  return JSON.stringify(document);
}

function idOf(arn: string, entries: Entries): string | undefined {
  for (const { userId } of entries.entries("user").values()) if (arnOf(userId, entries) === arn) return userId;
  for (const { roleId } of entries.entries("role").values()) if (arnOf(roleId, entries) === arn) return roleId;
  return undefined;
}

function arnOf(id: string, entries: Entries): string | undefined {
  const user = entries.entries("user").get(id);
  const found = user ?? entries.entries("role").get(id);
  const tenant = entries.entries("tenant").get(found?.tenantId ?? "");
  if (found === undefined || tenant === undefined) return undefined;
  return identityArn(tenant.accountId, user === undefined ? "role" : "user", found);
}
