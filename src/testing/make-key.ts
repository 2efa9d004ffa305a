import type { Caller } from "#control/http/caller.ts";
import type { Identities } from "#control/iam/identities.ts";
import type { SnapshotPublisher } from "#control/snapshot/publisher.ts";

/** A key to be made, in short. */
export interface WantedKey {
  /** Made when there is none of this name in the tenant. */
  readonly userName: string;
  /** Slug of the tenant, made when there is none; `default` when absent. */
  readonly tenant?: string;
  /** Text of a policy: all that the key may do, its user is allowed it too. Null: what the user may anyway. */
  readonly policy: string | null;
}

/** What keys are made with. */
export interface KeyMaker {
  readonly publisher: Pick<SnapshotPublisher, "entries">;
  readonly identities: Pick<Identities, "tenants" | "users" | "accessKeys">;
}

/** Makes a key with user and tenant as the global administrator would. */
export async function makeKey({ publisher, identities }: KeyMaker, { userName, tenant, policy }: WantedKey) {
  const { tenants, users, accessKeys } = identities;
  const caller = administratorOf(publisher);
  const slug = tenant ?? "default";
  const known = [...publisher.entries("tenant").values()].find((entry) => entry.slug === slug);
  const { tenantId } = known ?? (await tenants.create({ caller }, slug, {}));
  const actor = { caller, tenantId };
  const { userId } = await users.find(tenantId, userName).catch(() => users.create(actor, { name: userName }));
  if (policy !== null)
    await users.policies.putInline(actor, userId, { name: `rights-${Bun.hash(policy)}`, text: policy });
  const parts = { description: "", expiresAtMs: null, limits: {} };
  return accessKeys.create(actor, { userId, policy, ...parts });
}

/** The first global administrator, as the guard would tell of him. */
export function administratorOf(publisher: Pick<SnapshotPublisher, "entries">): Caller {
  const user = [...publisher.entries("user").values()].find(({ global }) => global);
  return {
    ...{ userId: user?.userId ?? "", userName: user?.name ?? "", tenantId: user?.tenantId ?? "", global: true },
    ...{
      via: "basic",
      mfa: false,
      freshProof: true,
      secure: false,
      address: "127.0.0.1",
      agent: "test",
      requestId: "test",
      narrowing: [],
    },
  };
}
