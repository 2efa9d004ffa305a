import type { DecidingLayer } from "#kernel/policy/evaluate-access.ts";
import type { ExplainedStatement } from "#kernel/policy/explain-access.ts";
import type { DenialRecord } from "#kernel/protocol/diagnostics.ts";
import type { Caller } from "../http/caller.ts";

/** Layers that belong to the owner of the resource; all others belong to whoever asked. */
const resourceLayers: ReadonlySet<DecidingLayer> = new Set(["bucketPolicy", "acl", "publicAccessBlock"]);

/** Whether somebody may see why a request was refused: global administrators, and the owner of what was asked for. */
export function maySeeDenial({ global, tenantId }: Pick<Caller, "global" | "tenantId">, record: DenialRecord): boolean {
  return global || (record.tenantId !== null && record.tenantId === tenantId);
}

/**
 * A denial as the API shows it. Policies of the caller's tenant, and what they ask for, are shown to that tenant and to global
 * administrators alone: the owner of a bucket learns that a stranger was refused, not what the stranger's policies say.
 */
export function renderDenial(record: DenialRecord, viewer: Pick<Caller, "global" | "tenantId">) {
  const { explanation, timeMs, tenantId, omittedStatementCount, reason, ...rest } = record;
  const { decision, statements, missingKeys, suggestion } = explanation;
  const seesAll = viewer.global || record.caller.tenantId === null || record.caller.tenantId === viewer.tenantId;
  const isShown = (layer: DecidingLayer) => seesAll || resourceLayers.has(layer);
  const { by, layer, outcome } = decision;
  return {
    ...rest,
    time: new Date(timeMs).toISOString(),
    ownerTenantId: tenantId,
    ...(reason !== null && { reason }),
    decision: { outcome, layer, ...(by !== undefined && isShown(layer) && { statement: by }) },
    statements: statements.filter((statement) => isShown(statement.layer)).map(renderStatement),
    omittedStatementCount: seesAll ? omittedStatementCount : 0,
    missingKeys: seesAll ? missingKeys : [],
    suggestion: suggestion !== undefined && isShown(suggestion.layer) ? suggestion : null,
    context: seesAll ? record.context : {},
  };
}

function renderStatement({ ref, conditions, ...statement }: ExplainedStatement) {
  return {
    ...statement,
    ...ref,
    sid: ref.sid ?? null,
    conditions: conditions.map(({ key, outcome, seen }) => ({ key: key ?? null, outcome, seen: seen ?? null })),
  };
}
