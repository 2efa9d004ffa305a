import type { PolicyKind } from "#kernel/policy/policy-document.ts";
import type { PolicyHolder } from "#kernel/protocol/identities.ts";
import type { SnapshotChange } from "#kernel/protocol/snapshot.ts";
import type { AuditEvent } from "../audit/audit-event.ts";
import type { ControlQueries } from "../database/control-database.ts";
import { readInteger } from "../database/row-values.ts";
import { ControlError } from "../http/control-error.ts";
import { type Actor, type IdentityOptions, type Outcome, requireRow, runChange } from "./identity-work.ts";
import { requireInlineRoom, requirePolicy, resolvePolicyId } from "./policy-texts.ts";

/** What a kind of identity with policies is like. */
export interface HolderKind<Entry extends PolicyHolder> {
  /** As actions name it: `iam:AttachUserPolicy`. */
  readonly noun: "User" | "Group" | "Role";
  readonly inlineKind: Exclude<PolicyKind, "bucket">;
  /** Finds `revision` by id and tenant. */
  readonly findSql: string;
  /** Counts the revision up, by id. */
  readonly bumpSql: string;
  readonly read: (queries: ControlQueries, id: string) => Promise<Entry | undefined>;
  readonly changeOf: (id: string, value: Entry | null) => SnapshotChange;
  /** @throws ControlError when the caller may not touch this one */
  readonly requireReach: (actor: Actor, entry: Entry) => void;
  readonly arnOf: (entry: Entry) => string;
}

/** What a change left: the identity, and its revision. */
export interface Changed<Entry> {
  readonly entry: Entry;
  readonly revision: number;
}

/** One change of an identity: what is done in the transaction; gives what the audit tells. */
export type HolderWork<Entry> = (queries: ControlQueries, entry: Entry) => Promise<AuditEvent["change"]>;

/** A change of an identity. */
export interface HolderChange<Entry> {
  readonly action: string;
  readonly work: HolderWork<Entry>;
  /** What follows from it for others than the identity itself. */
  readonly alsoPublish?: (queries: ControlQueries, before: Entry, after: Entry) => Promise<readonly SnapshotChange[]>;
}

/** The policies of users, groups and roles, and the frame in which each of them is changed. */
export class Holders<Entry extends PolicyHolder> {
  readonly #options: IdentityOptions;
  readonly #kind: HolderKind<Entry>;

  constructor(options: IdentityOptions, kind: HolderKind<Entry>) {
    this.#options = options;
    this.#kind = kind;
  }

  /**
   * Changes one identity: checks tenant, revision and reach, does the work, counts the revision up, publishes.
   * @throws ControlError NotFound, PreconditionFailed, and as the kind and the work
   */
  change(actor: Actor, id: string, { action, work, alsoPublish }: HolderChange<Entry>): Promise<Changed<Entry>> {
    const { findSql, bumpSql, read, changeOf, requireReach } = this.#kind;
    return runChange(this.#options, actor, async (queries) => {
      const row = requireRow(await queries.all(findSql, [id, actor.tenantId]), actor.revision);
      const before = await read(queries, id);
      if (before === undefined) throw new ControlError("NotFound");
      requireReach(actor, before);
      const change = await work(queries, before);
      await queries.run(bumpSql, [id]);
      const entry = await read(queries, id);
      if (entry === undefined) throw new ControlError("NotFound");
      const value = { entry, revision: readInteger(row, "revision") + 1 };
      const also = (await alsoPublish?.(queries, before, entry)) ?? [];
      return { value, changes: [changeOf(id, entry), ...also], event: this.event(action, [id, entry], change) };
    });
  }

  /** Attaches a managed policy; attached already is fine. @throws ControlError NotFound, PreconditionFailed, Conflict (too many) */
  attach(actor: Actor, id: string, policy: string): Promise<Changed<Entry>> {
    const { limits } = this.#options;
    const work: HolderWork<Entry> = async (queries, { policyIds }) => {
      const policyId = await resolvePolicyId(queries, actor.tenantId, policy);
      if (!policyIds.includes(policyId) && policyIds.length >= limits.policiesPerIdentity)
        throw new ControlError("Conflict", `An identity may have ${limits.policiesPerIdentity} managed policies`);
      await queries.run(
        "INSERT INTO policy_attachments (identity_id, policy_id) VALUES ($1, $2) ON CONFLICT (identity_id, policy_id) DO NOTHING",
        [id, policyId],
      );
      return { policyId: { after: policyId } };
    };
    return this.change(actor, id, { action: `iam:Attach${this.#kind.noun}Policy`, work });
  }

  /** Detaches a managed policy. @throws ControlError NotFound when it is not attached */
  detach(actor: Actor, id: string, policy: string): Promise<Changed<Entry>> {
    const work: HolderWork<Entry> = async (queries) => {
      const policyId = await resolvePolicyId(queries, actor.tenantId, policy);
      const sql = "DELETE FROM policy_attachments WHERE identity_id = $1 AND policy_id = $2";
      if ((await queries.run(sql, [id, policyId])) === 0) throw new ControlError("NotFound", "It is not attached");
      return { policyId: { before: policyId } };
    };
    return this.change(actor, id, { action: `iam:Detach${this.#kind.noun}Policy`, work });
  }

  /** Adds or replaces an inline policy. @throws ControlError InvalidRequest (the text), Conflict (too long together) */
  putInline(actor: Actor, id: string, { name, text }: { name: string; text: string }): Promise<Changed<Entry>> {
    const { noun, inlineKind } = this.#kind;
    requirePolicy(text, inlineKind);
    const work: HolderWork<Entry> = async (queries, { inlinePolicies }) => {
      const others = inlinePolicies.filter((policy) => policy.name !== name);
      requireInlineRoom([...others, { name, text }], inlineKind);
      await queries.run(
        `INSERT INTO inline_policies (identity_id, name, document) VALUES ($1, $2, $3)
         ON CONFLICT (identity_id, name) DO UPDATE SET document = excluded.document`,
        [id, name, text],
      );
      const before = inlinePolicies.find((policy) => policy.name === name)?.text;
      return { [name]: { ...(before !== undefined && { before }), after: text } };
    };
    return this.change(actor, id, { action: `iam:Put${noun}Policy`, work });
  }

  /** Removes an inline policy. @throws ControlError NotFound */
  deleteInline(actor: Actor, id: string, name: string): Promise<Changed<Entry>> {
    const work: HolderWork<Entry> = async (queries, { inlinePolicies }) => {
      const sql = "DELETE FROM inline_policies WHERE identity_id = $1 AND name = $2";
      if ((await queries.run(sql, [id, name])) === 0) throw new ControlError("NotFound", "There is no such policy");
      return { [name]: { before: inlinePolicies.find((policy) => policy.name === name)?.text } };
    };
    return this.change(actor, id, { action: `iam:Delete${this.#kind.noun}Policy`, work });
  }

  /** What the audit tells of a change of one identity. */
  event(
    action: string,
    [id, entry]: readonly [id: string, entry: Entry],
    change: AuditEvent["change"],
  ): Outcome<unknown>["event"] {
    const kind = this.#kind.noun.toLowerCase();
    return {
      action,
      resource: { kind, id, name: entry.name, arn: this.#kind.arnOf(entry) },
      ...(change && { change }),
    };
  }
}

/** Removes the policies of an identity that goes. */
export async function forgetPolicies(queries: ControlQueries, id: string): Promise<void> {
  await queries.run("DELETE FROM policy_attachments WHERE identity_id = $1", [id]);
  await queries.run("DELETE FROM inline_policies WHERE identity_id = $1", [id]);
}
