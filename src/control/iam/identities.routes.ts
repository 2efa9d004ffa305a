import { Elysia } from "elysia";
import { accessKeyRoutes } from "../access-keys/access-keys.routes.ts";
import { groupRoutes } from "./groups/groups.routes.ts";
import { holderRoutes } from "./holder.routes.ts";
import type { Identities } from "./identities.ts";
import type { IdentityRoutesBase } from "./identity-routes.ts";
import { policyRoutes } from "./policies/policies.routes.ts";
import { roleRoutes } from "./roles/roles.routes.ts";
import { type TenantRoutesOptions, tenantRoutes } from "./tenants/tenants.routes.ts";
import { userRoutes } from "./users/users.routes.ts";

/** Tenants, users, groups, roles, policies and access keys. */
export function identityRoutes(
  base: IdentityRoutesBase & Pick<TenantRoutesOptions, "sts" | "entryMode">,
  identities: Identities,
) {
  const { tenants, users, groups, roles, policies, accessKeys } = identities;
  return new Elysia({ normalize: false })
    .use(tenantRoutes({ ...base, tenants }))
    .use(userRoutes({ ...base, users }))
    .use(groupRoutes({ ...base, groups }))
    .use(roleRoutes({ ...base, roles }))
    .use(policyRoutes({ ...base, policies }))
    .use(accessKeyRoutes({ ...base, accessKeys, users }))
    .use(holderRoutes({ ...base, segment: "users", noun: "User", holders: users.policies, get: users.get.bind(users) }))
    .use(
      holderRoutes({
        ...base,
        segment: "groups",
        noun: "Group",
        holders: groups.policies,
        get: groups.get.bind(groups),
      }),
    )
    .use(
      holderRoutes({ ...base, segment: "roles", noun: "Role", holders: roles.policies, get: roles.get.bind(roles) }),
    );
}
