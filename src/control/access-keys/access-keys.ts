import type { KeyEntry, KeyLimits } from "#kernel/protocol/identities.ts";
import type { KeyUse } from "#kernel/protocol/key-use.ts";
import type { SnapshotChange } from "#kernel/protocol/snapshot.ts";
import type { AuditEvent } from "../audit/audit-event.ts";
import type { ControlQueries, SqlRow } from "../database/control-database.ts";
import { readInteger, readText } from "../database/row-values.ts";
import { ControlError } from "../http/control-error.ts";
import { boundOf } from "../iam/identity-limits.ts";
import {
  type Actor,
  type IdentityOptions,
  likePart,
  type Page,
  requireRoom,
  requireRow,
  runChange,
} from "../iam/identity-work.ts";
import { requirePolicy } from "../iam/policy-texts.ts";
import { readUserEntry } from "../iam/read-identities.ts";
import { requireAdministrator } from "../iam/require-administrator.ts";
import { readSortedPage, type SortedList } from "../iam/sorted-list.ts";
import { requireReach } from "../iam/users/reach.ts";
import { changesOf } from "../iam/users/users.ts";
import { revokeIssued } from "../sts/revoke-issued.ts";
import { makeCredentials } from "../tenants/new-identifiers.ts";
import { type AccessKeyStore, type ChangedKeyRow, readInherited } from "./access-key-store.ts";
import { isLess, isLonger } from "./key-bounds.ts";
import { findMadeKeys, inheritFrom, requireEnd, requireLinks, requireMade } from "./made-keys.ts";
import type { StoredKeyUses } from "./stored-key-uses.ts";

/** A key as the API shows it: without its secret. */
export interface KeyView extends Omit<KeyEntry, "secretKey" | "narrowing"> {
  readonly userName: string;
  readonly description: string;
  /** Text of the key's own policy; null: it may do what its user may. */
  readonly policy: string | null;
  /** Texts of the policies of the key that made it: they narrow it too. */
  readonly inheritedPolicies: readonly string[];
  /** Id of the narrowed key that made it, with which it ends; null: something else did. */
  readonly madeBy: string | null;
  readonly createdAtMs: number;
  /** Null: not used yet. */
  readonly lastUsed: { readonly atMs: number; readonly service: string; readonly operation: string } | null;
  readonly revision: number;
}

/** A key to be made. */
export interface NewKey {
  readonly userId: string;
  /** Text of a policy that narrows it. */
  readonly policy: string | null;
  readonly description: string;
  readonly expiresAtMs: number | null;
  readonly limits: KeyLimits;
  /** Both or none: given values for imports; random ones when absent. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretKey: string };
}

/** What of a key can be changed; absent parts stay. */
export type KeyPatch = Partial<Omit<NewKey, "userId" | "credentials"> & { readonly enabled: boolean }>;

/** Who changes a key. */
export interface KeyEditor extends Actor {
  /** Also those of others: what bounds a key is lifted by an administrator, not by its owner. */
  readonly editsAllKeys: boolean;
}

/** Orders of keys beside the one by id; a minus turns them round. */
export const keySorts = ["userName", "-userName", "createdAt", "-createdAt"] as const;

/** Which keys are listed. */
export interface KeysWanted {
  readonly limit: number;
  /** Of the page before; empty for the first. */
  readonly cursor: string;
  readonly sort: (typeof keySorts)[number] | undefined;
  /** Part of id, description or the user's name, in any case; empty for all. */
  readonly q: string;
  /** Of this user alone; empty for all of the tenant. */
  readonly userId: string;
}

const SHOWN = `SELECT k.access_key_id, k.description, k.key_policy, k.inherited_policies, k.made_by, k.created_at_ms, k.revision,
  k.last_used_at_ms, k.last_used_operation, u.name, u.name_folded
  FROM access_keys k JOIN users u ON u.user_id = k.user_id`;
const LISTED = `${SHOWN} WHERE u.tenant_id = $1 AND (k.user_id = $2 OR $3 = '')
  AND (lower(k.access_key_id) LIKE $4 ESCAPE '!' OR lower(k.description) LIKE $5 ESCAPE '!' OR u.name_folded LIKE $6 ESCAPE '!')`;
const list: SortedList<(typeof keySorts)[number]> = {
  idColumn: "access_key_id",
  columns: { userName: "name_folded", createdAt: "created_at_ms" },
  byId: `${LISTED} AND k.access_key_id > $7 ORDER BY k.access_key_id LIMIT $8`,
  by: {
    userName: `${LISTED} AND (u.name_folded, k.access_key_id) > ($7, $8) ORDER BY u.name_folded, k.access_key_id LIMIT $9`,
    "-userName": `${LISTED} AND (u.name_folded, k.access_key_id) < ($7, $8) ORDER BY u.name_folded DESC, k.access_key_id DESC LIMIT $9`,
    createdAt: `${LISTED} AND (k.created_at_ms, k.access_key_id) > ($7, $8) ORDER BY k.created_at_ms, k.access_key_id LIMIT $9`,
    "-createdAt": `${LISTED} AND (k.created_at_ms, k.access_key_id) < ($7, $8) ORDER BY k.created_at_ms DESC, k.access_key_id DESC LIMIT $9`,
  },
};

/**
 * The access keys of all users. A change is durable and known to every worker when its call resolves: a key works
 * everywhere then, or nowhere.
 */
export class AccessKeys {
  readonly #options: IdentityOptions;
  readonly #store: AccessKeyStore;
  readonly #uses: Pick<StoredKeyUses, "find">;

  constructor(options: IdentityOptions, store: AccessKeyStore, uses: Pick<StoredKeyUses, "find">) {
    this.#options = options;
    this.#store = store;
    this.#uses = uses;
  }

  /** A page of a tenant's keys. @throws ControlError InvalidRequest for the cursor of another order */
  list(tenantId: string, { userId, q, ...wanted }: KeysWanted): Promise<Page<KeyView>> {
    const part = likePart(q);
    const rows = { ...wanted, parameters: [tenantId, userId, userId, part, part, part] };
    return readSortedPage(this.#options.database, list, { ...rows, show: (row) => this.#show(row) });
  }

  /** One key. @throws ControlError NotFound, also for those of other tenants */
  get(tenantId: string, accessKeyId: string): Promise<KeyView> {
    return this.#read(this.#options.database, tenantId, accessKeyId);
  }

  async #read(queries: Pick<ControlQueries, "all">, tenantId: string, accessKeyId: string): Promise<KeyView> {
    const sql = `${SHOWN} WHERE k.access_key_id = $1 AND u.tenant_id = $2`;
    const [view] = this.#show(requireRow(await queries.all(sql, [accessKeyId, tenantId])));
    if (view === undefined) throw new ControlError("NotFound");
    return view;
  }

  /**
   * Makes a key. The secret is in the answer and can be read nowhere else.
   * @throws ControlError NotFound (the user), InvalidRequest (the policy, what its maker bounds), Conflict (the id is taken, too many
   * keys), Forbidden (a narrowed caller for another user)
   */
  async create(actor: Actor, key: NewKey): Promise<KeyView & { readonly secretKey: string }> {
    const { publisher, clock, random, limits } = this.#options;
    if (key.policy !== null) requirePolicy(key.policy, "key");
    const { accessKeyId, secretKey } = key.credentials ?? makeCredentials(random);
    await runChange(this.#options, actor, async (queries) => {
      const { userId, policy, description } = key;
      const user = await readUserEntry(queries, userId);
      if (user?.tenantId !== actor.tenantId) throw new ControlError("NotFound", "There is no such user");
      requireReach(publisher, actor, user);
      const counted = await queries.all("SELECT count(*) AS found FROM access_keys WHERE user_id = $1", [userId]);
      const tenantLimit = publisher.entries("tenant").get(actor.tenantId)?.limits.maxKeysPerUser;
      requireRoom(counted, boundOf(tenantLimit, limits.keysPerUser), "keys of a user");
      const inheritance = await inheritFrom(actor.caller, key, (id) => this.#store.find(queries, id));
      const row = { accessKeyId, secretKey, userId, policy, description, ...inheritance };
      if (!(await this.#store.insert(queries, { ...row, createdAtMs: clock.nowMs() })))
        throw new ControlError("Conflict", "The access key id is taken");
      const value = await this.#requireEntry(queries, accessKeyId);
      const change = {
        policy: { after: policy },
        userName: { after: user.name },
        expiresAtMs: { after: value.expiresAtMs },
      };
      return {
        value: undefined,
        changes: [{ kind: "key", id: accessKeyId, value }],
        event: keyEvent("iam:CreateAccessKey", accessKeyId, { userName: user.name, change }),
      };
    });
    return { ...(await this.get(actor.tenantId, accessKeyId)), secretKey };
  }

  /** Changes a key. @throws ControlError NotFound, PreconditionFailed, InvalidRequest, Forbidden: its owner lifts no bounds, Conflict: the last way in of the last administrator */
  async update(actor: KeyEditor, accessKeyId: string, patch: KeyPatch): Promise<KeyView> {
    if (typeof patch.policy === "string") requirePolicy(patch.policy, "key");
    await runChange(this.#options, actor, async (queries) => {
      const before = await this.#read(queries, actor.tenantId, accessKeyId);
      await this.#requireReach(queries, actor, before);
      const { enabled, policy, description, expiresAtMs, limits } = { ...before, ...patch };
      const row = { accessKeyId, enabled, policy, description, expiresAtMs, limits };
      if (isLonger(before, row) && !actor.editsAllKeys && before.userId === actor.caller.userId)
        throw new ControlError(
          "Forbidden",
          "A key's owner lifts neither its end nor its limits: an administrator does",
        );
      const made = await this.#boundByMaker(queries, before, row);
      if (!(await this.#store.update(queries, row))) throw new ControlError("NotFound");
      await this.#requireAdministrator(queries, before);
      const shown = { enabled: before.enabled, policy: before.policy, description: before.description };
      const change = changesOf(
        { ...shown, expiresAtMs: before.expiresAtMs, limits: before.limits },
        { enabled, policy, description, expiresAtMs, limits },
      );
      return {
        value: undefined,
        changes: [
          { kind: "key", id: accessKeyId, value: await this.#requireEntry(queries, accessKeyId) },
          ...(await this.#boundMade(queries, made, row)),
          ...(isLess(before, row) ? await this.#endSessions(queries, [accessKeyId, ...made]) : []),
        ],
        event: keyEvent("iam:UpdateAccessKey", accessKeyId, { userName: before.userName, change }),
      };
    });
    return this.get(actor.tenantId, accessKeyId);
  }

  /**
   * Removes a key and those it made. A narrowed caller removes what his key made, no other.
   * @throws ControlError NotFound, Forbidden; Conflict: the last way in of the last administrator
   */
  async remove(actor: Actor, accessKeyId: string): Promise<void> {
    await runChange(this.#options, actor, async (queries) => {
      const before = await this.#read(queries, actor.tenantId, accessKeyId);
      await this.#requireReach(queries, actor, before);
      await requireMade(queries, actor.caller, accessKeyId);
      const made = await findMadeKeys(queries, accessKeyId);
      if (!(await this.#store.remove(queries, accessKeyId))) throw new ControlError("NotFound");
      for (const id of made) await this.#store.remove(queries, id);
      await this.#requireAdministrator(queries, before);
      const change = made.length === 0 ? {} : { change: { madeKeys: { before: made } } };
      return {
        value: undefined,
        changes: [
          ...[accessKeyId, ...made].map((id): SnapshotChange => ({ kind: "key", id, value: null })),
          ...(await this.#endSessions(queries, [accessKeyId, ...made])),
        ],
        event: keyEvent("iam:DeleteAccessKey", accessKeyId, { userName: before.userName, ...change }),
      };
    });
  }

  /** @throws ControlError InvalidRequest, Conflict. @returns ids of the keys that this one made */
  async #boundByMaker(queries: ControlQueries, before: KeyView, row: ChangedKeyRow): Promise<readonly string[]> {
    const { accessKeyId, madeBy, inheritedPolicies } = before;
    requireLinks(inheritedPolicies.length, row.policy);
    const maker = madeBy === null ? undefined : await this.#requireEntry(queries, madeBy);
    if (maker !== undefined) requireEnd(maker, row.expiresAtMs);
    if (maker?.enabled === false && row.enabled)
      throw new ControlError("Conflict", "The key that made this one is disabled");
    const made = await findMadeKeys(queries, accessKeyId);
    // They copied the policy: another one would narrow them less or more than their maker.
    if (made.length > 0 && row.policy !== before.policy)
      throw new ControlError("Conflict", "Keys made with this one carry its policy: remove them first");
    return made;
  }

  /** Temporary credentials end with the key that they were got with, and when it may do less. */
  async #endSessions(queries: ControlQueries, ids: readonly string[]): Promise<readonly SnapshotChange[]> {
    const changes: SnapshotChange[] = [];
    for (const id of ids) changes.push(await revokeIssued(queries, id, this.#options.clock.nowMs()));
    return changes;
  }

  /** Made keys are disabled with their maker and end no later. */
  async #boundMade(
    queries: ControlQueries,
    made: readonly string[],
    { enabled, expiresAtMs }: Pick<KeyEntry, "enabled" | "expiresAtMs">,
  ): Promise<SnapshotChange[]> {
    const changes: SnapshotChange[] = [];
    for (const id of made) {
      await this.#store.bound(queries, id, { enabled, expiresAtMs });
      changes.push({ kind: "key", id, value: await this.#requireEntry(queries, id) });
    }
    return changes;
  }

  async #requireReach(queries: ControlQueries, actor: Actor, { accessKeyId, userId }: KeyView): Promise<void> {
    const sql = "SELECT revision FROM access_keys WHERE access_key_id = $1";
    requireRow(await queries.all(sql, [accessKeyId]), actor.revision);
    const user = await readUserEntry(queries, userId);
    if (user === undefined) throw new ControlError("NotFound");
    requireReach(this.#options.publisher, actor, user);
  }

  async #requireEntry(queries: ControlQueries, accessKeyId: string): Promise<KeyEntry> {
    const entry = await this.#store.find(queries, accessKeyId);
    if (entry === undefined) throw new ControlError("NotFound");
    return entry;
  }

  /** @throws ControlError Conflict when the key was the last way in of the last administrator */
  async #requireAdministrator(queries: ControlQueries, { userId }: KeyView): Promise<void> {
    const { publisher, clock } = this.#options;
    if (publisher.entries("user").get(userId)?.global) await requireAdministrator(queries, clock.nowMs());
  }

  #findUse(row: SqlRow): KeyView["lastUsed"] {
    const use = this.#uses.find(readText(row, "access_key_id")) ?? readUse(row);
    if (use === undefined) return null;
    const [service = "", operation = ""] = use.operation.split(":");
    return { atMs: use.usedAtMs, service, operation };
  }

  #show(row: SqlRow): KeyView[] {
    const entry = this.#options.publisher.entries("key").get(readText(row, "access_key_id"));
    if (entry === undefined) return [];
    const { secretKey: _secret, narrowing: _narrowing, ...rest } = entry;
    return [
      {
        ...rest,
        userName: readText(row, "name"),
        description: readText(row, "description"),
        policy: row["key_policy"] === null ? null : readText(row, "key_policy"),
        inheritedPolicies: readInherited(row),
        madeBy: row["made_by"] === null ? null : readText(row, "made_by"),
        createdAtMs: readInteger(row, "created_at_ms"),
        lastUsed: this.#findUse(row),
        revision: readInteger(row, "revision"),
      },
    ];
  }
}

function readUse(row: SqlRow): KeyUse | undefined {
  if (row["last_used_at_ms"] === null) return undefined;
  const [accessKeyId, operation] = [readText(row, "access_key_id"), readText(row, "last_used_operation")];
  return { accessKeyId, operation, usedAtMs: readInteger(row, "last_used_at_ms") };
}

function keyEvent(
  action: string,
  id: string,
  { userName: name, change }: { readonly userName: string; readonly change?: AuditEvent["change"] },
): Pick<AuditEvent, "action" | "resource" | "change"> {
  return { action, resource: { kind: "accessKey", id, name }, ...(change && { change }) };
}
