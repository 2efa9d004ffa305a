import { identityArn } from "#kernel/policy/identity-arn.ts";
import type { GroupEntry } from "#kernel/protocol/identities.ts";
import type { AuditEvent } from "../../audit/audit-event.ts";
import type { ControlQueries, SqlRow } from "../../database/control-database.ts";
import { readInteger, readText } from "../../database/row-values.ts";
import { ControlError } from "../../http/control-error.ts";
import { makeUniqueId } from "../../tenants/new-identifiers.ts";
import { forgetPolicies, Holders, type HolderWork } from "../holders.ts";
import { boundOf } from "../identity-limits.ts";
import {
  type Actor,
  type IdentityOptions,
  likePart,
  type Page,
  type PageWanted,
  requireRoom,
  requireRow,
  runChange,
} from "../identity-work.ts";
import { readGroupEntry, readUserEntry } from "../read-identities.ts";
import { type NameSort, readSortedPage, type SortedList } from "../sorted-list.ts";
import { requireGroupReach, requireNoBoundary, requireReach } from "../users/reach.ts";
import { changesOf } from "../users/users.ts";

/** A group as the API shows it. */
export interface GroupView extends GroupEntry {
  readonly arn: string;
  readonly memberCount: number;
  readonly createdAtMs: number;
  readonly revision: number;
}

/** Name and path of a group. */
export interface GroupNames {
  readonly name: string;
  readonly path: string;
}

interface MemberChange {
  readonly groupId: string;
  readonly userId: string;
  readonly action: string;
  /** What the audit tells. */
  readonly change: AuditEvent["change"];
}

const BUMP = "UPDATE user_groups SET revision = revision + 1 WHERE group_id = $1";
const FIND = "SELECT revision FROM user_groups WHERE group_id = $1 AND tenant_id = $2";
const SHOWN = `SELECT g.group_id, g.name_folded, g.created_at_ms, g.revision,
  (SELECT count(*) FROM group_members m WHERE m.group_id = g.group_id) AS found FROM user_groups g`;

const LISTED = `${SHOWN} WHERE g.tenant_id = $1 AND g.name_folded LIKE $2 ESCAPE '!'`;
const list: SortedList<NameSort> = {
  idColumn: "group_id",
  columns: { name: "name_folded", createdAt: "created_at_ms" },
  byId: `${LISTED} AND g.group_id > $3 ORDER BY g.group_id LIMIT $4`,
  by: {
    name: `${LISTED} AND (g.name_folded, g.group_id) > ($3, $4) ORDER BY g.name_folded, g.group_id LIMIT $5`,
    "-name": `${LISTED} AND (g.name_folded, g.group_id) < ($3, $4) ORDER BY g.name_folded DESC, g.group_id DESC LIMIT $5`,
    createdAt: `${LISTED} AND (g.created_at_ms, g.group_id) > ($3, $4) ORDER BY g.created_at_ms, g.group_id LIMIT $5`,
    "-createdAt": `${LISTED} AND (g.created_at_ms, g.group_id) < ($3, $4) ORDER BY g.created_at_ms DESC, g.group_id DESC LIMIT $5`,
  },
};

/** The groups of all tenants. */
export class Groups {
  readonly #options: IdentityOptions;
  /** Their policies. */
  readonly policies: Holders<GroupEntry>;

  constructor(options: IdentityOptions) {
    this.#options = options;
    this.policies = new Holders<GroupEntry>(options, {
      noun: "Group",
      inlineKind: "groupInline",
      findSql: FIND,
      bumpSql: BUMP,
      read: readGroupEntry,
      changeOf: (id, value) => ({ kind: "group", id, value }),
      requireReach: (actor, { groupId }) => {
        requireNoBoundary(options.publisher, actor);
        requireGroupReach(options.publisher, actor, groupId);
      },
      arnOf: (entry) => this.#arnOf(entry),
    });
  }

  /** A page of a tenant's groups. @throws ControlError InvalidRequest for the cursor of another order */
  list(tenantId: string, { q, ...wanted }: PageWanted): Promise<Page<GroupView>> {
    const rows = { ...wanted, parameters: [tenantId, likePart(q)] };
    return readSortedPage(this.#options.database, list, { ...rows, show: (row) => this.#show(row) });
  }

  /** One group. @throws ControlError NotFound */
  async get(tenantId: string, groupId: string): Promise<GroupView> {
    const sql = `${SHOWN} WHERE g.group_id = $1 AND g.tenant_id = $2`;
    const [view] = this.#show(requireRow(await this.#options.database.all(sql, [groupId, tenantId])));
    if (view === undefined) throw new ControlError("NotFound");
    return view;
  }

  /** Makes a group. @throws ControlError Conflict */
  async create(actor: Actor, { name, path }: GroupNames): Promise<GroupView> {
    const { limits, publisher, random, clock } = this.#options;
    const groupId = makeUniqueId("AGPA", random);
    await runChange(this.#options, actor, async (queries) => {
      const { tenantId } = actor;
      requireNoBoundary(publisher, actor);
      await this.#requireFreeName(queries, tenantId, name);
      const counted = await queries.all("SELECT count(*) AS found FROM user_groups WHERE tenant_id = $1", [tenantId]);
      requireRoom(
        counted,
        boundOf(publisher.entries("tenant").get(tenantId)?.limits.maxGroups, limits.groups),
        "groups",
      );
      await queries.run(
        `INSERT INTO user_groups (group_id, tenant_id, path, name, name_folded, created_at_ms, revision)
         VALUES ($1, $2, $3, $4, $5, $6, 1)`,
        [groupId, tenantId, path, name, name.toLowerCase(), clock.nowMs()],
      );
      const value: GroupEntry = { groupId, tenantId, name, path, policyIds: [], inlinePolicies: [] };
      const event = this.policies.event("iam:CreateGroup", [groupId, value], { name: { after: name } });
      return { value, changes: [{ kind: "group", id: groupId, value }], event };
    });
    return this.get(actor.tenantId, groupId);
  }

  /** Renames a group. @throws ControlError NotFound, PreconditionFailed, Conflict */
  async update(actor: Actor, groupId: string, patch: Partial<GroupNames>): Promise<GroupView> {
    const work: HolderWork<GroupEntry> = async (queries, group) => {
      const { name = group.name, path = group.path } = patch;
      if (name.toLowerCase() !== group.name.toLowerCase()) await this.#requireFreeName(queries, actor.tenantId, name);
      await queries.run("UPDATE user_groups SET name = $1, name_folded = $2, path = $3 WHERE group_id = $4", [
        name,
        name.toLowerCase(),
        path,
        groupId,
      ]);
      return changesOf({ name: group.name, path: group.path }, { name, path });
    };
    await this.policies.change(actor, groupId, { action: "iam:UpdateGroup", work });
    return this.get(actor.tenantId, groupId);
  }

  /** Removes an empty group. @throws ControlError NotFound, Conflict while it has members */
  remove(actor: Actor, groupId: string): Promise<void> {
    return runChange(this.#options, actor, async (queries) => {
      requireNoBoundary(this.#options.publisher, actor);
      requireRow(await queries.all(FIND, [groupId, actor.tenantId]), actor.revision);
      const group = await readGroupEntry(queries, groupId);
      if (group === undefined) throw new ControlError("NotFound");
      const members = await queries.all("SELECT user_id FROM group_members WHERE group_id = $1 LIMIT 1", [groupId]);
      if (members.length > 0) throw new ControlError("Conflict", "The group has members");
      await forgetPolicies(queries, groupId);
      await queries.run("DELETE FROM user_groups WHERE group_id = $1", [groupId]);
      const event = this.policies.event("iam:DeleteGroup", [groupId, group], undefined);
      return { value: undefined, changes: [{ kind: "group", id: groupId, value: null }], event };
    });
  }

  /** Ids of a group's members. @throws ControlError NotFound */
  async members(tenantId: string, groupId: string): Promise<readonly string[]> {
    requireRow(await this.#options.database.all(FIND, [groupId, tenantId]));
    const sql = "SELECT user_id FROM group_members WHERE group_id = $1 ORDER BY user_id";
    return (await this.#options.database.all(sql, [groupId])).map((row) => readText(row, "user_id"));
  }

  /**
   * Takes a user in; in already is fine. Gives the group's new revision.
   * @throws ControlError NotFound, PreconditionFailed, Conflict (too many groups), Forbidden
   */
  addMember(actor: Actor, groupId: string, userId: string): Promise<number> {
    const change = { userId: { after: userId } };
    const added = { groupId, userId, action: "iam:AddUserToGroup", change };
    return this.#changeMember(actor, added, async (queries, groupCount) => {
      if (groupCount >= this.#options.limits.groupsPerUser)
        throw new ControlError("Conflict", `A user may be in ${this.#options.limits.groupsPerUser} groups`);
      await queries.run(
        "INSERT INTO group_members (group_id, user_id) VALUES ($1, $2) ON CONFLICT (group_id, user_id) DO NOTHING",
        [groupId, userId],
      );
    });
  }

  /** Takes a user out. Gives the group's new revision. @throws ControlError PreconditionFailed, NotFound also when the user is not in it */
  removeMember(actor: Actor, groupId: string, userId: string): Promise<number> {
    const change = { userId: { before: userId } };
    const removed = { groupId, userId, action: "iam:RemoveUserFromGroup", change };
    return this.#changeMember(actor, removed, async (queries) => {
      const sql = "DELETE FROM group_members WHERE group_id = $1 AND user_id = $2";
      if ((await queries.run(sql, [groupId, userId])) === 0) throw new ControlError("NotFound");
    });
  }

  #changeMember(
    actor: Actor,
    { groupId, userId, action, change }: MemberChange,
    work: (queries: ControlQueries, otherGroups: number) => Promise<void>,
  ): Promise<number> {
    return runChange(this.#options, actor, async (queries) => {
      const row = requireRow(await queries.all(FIND, [groupId, actor.tenantId]), actor.revision);
      const group = await readGroupEntry(queries, groupId);
      const user = await readUserEntry(queries, userId);
      if (group === undefined || user?.tenantId !== actor.tenantId) throw new ControlError("NotFound");
      requireNoBoundary(this.#options.publisher, actor);
      requireReach(this.#options.publisher, actor, user);
      await work(queries, user.groupIds.filter((id) => id !== groupId).length);
      const value = (await readUserEntry(queries, userId)) ?? null;
      const event = this.policies.event(action, [groupId, group], change);
      await queries.run(BUMP, [groupId]);
      const revision = readInteger(row, "revision") + 1;
      return { value: revision, changes: [{ kind: "user", id: userId, value }], event };
    });
  }

  async #requireFreeName(queries: ControlQueries, tenantId: string, name: string): Promise<void> {
    const sql = "SELECT group_id FROM user_groups WHERE tenant_id = $1 AND name_folded = $2";
    if ((await queries.all(sql, [tenantId, name.toLowerCase()])).length > 0)
      throw new ControlError("Conflict", "There is a group of this name");
  }

  #show(row: SqlRow): GroupView[] {
    const entry = this.#options.publisher.entries("group").get(readText(row, "group_id"));
    if (entry === undefined) return [];
    const memberCount = readInteger(row, "found");
    const [createdAtMs, revision] = [readInteger(row, "created_at_ms"), readInteger(row, "revision")];
    return [{ ...entry, arn: this.#arnOf(entry), memberCount, createdAtMs, revision }];
  }

  #arnOf(entry: GroupEntry): string {
    const accountId = this.#options.publisher.entries("tenant").get(entry.tenantId)?.accountId ?? "";
    return identityArn(accountId, "group", entry);
  }
}
