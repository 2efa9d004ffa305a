import type { AccessKeys } from "../access-keys/access-keys.ts";
import { Groups } from "./groups/groups.ts";
import type { IdentityOptions } from "./identity-work.ts";
import { Policies } from "./policies/policies.ts";
import { Roles } from "./roles/roles.ts";
import { Tenants } from "./tenants/tenants.ts";
import { Users } from "./users/users.ts";

/** Everything that changes who there is and what they may do. */
export interface Identities {
  readonly tenants: Tenants;
  readonly users: Users;
  readonly groups: Groups;
  readonly roles: Roles;
  readonly policies: Policies;
  readonly accessKeys: AccessKeys;
}

/** Puts the services together. */
export function openIdentities(options: IdentityOptions, accessKeys: AccessKeys): Identities {
  return {
    tenants: new Tenants(options),
    users: new Users(options),
    groups: new Groups(options),
    roles: new Roles(options),
    policies: new Policies(options),
    accessKeys,
  };
}
