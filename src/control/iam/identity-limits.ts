/** Bounds of identities. Source: the identity page, sections 3 and 4. */
export const identityLimits = {
  users: 5000,
  groups: 300,
  roles: 1000,
  policies: 1500,
  keysPerUser: 20,
  policiesPerIdentity: 20,
  groupsPerUser: 10,
  tags: 50,
  policyVersions: 5,
  /** Temporary credentials that began with one user and have not ended. */
  sessionsPerUser: 5000,
} as const;

/** The bounds; smaller ones in tests. */
export type IdentityLimits = { readonly [Name in keyof typeof identityLimits]: number };

/** How many there may be: the tenant's own bound, where null is unlimited and 0 is none, else the server's. */
export function boundOf(ofTenant: number | null | undefined, ofServer: number): number {
  return ofTenant === undefined ? ofServer : (ofTenant ?? Infinity);
}
