import type { ControlQueries } from "../database/control-database.ts";
import { AuditBlockedError } from "./audit-blocked-error.ts";
import type { AuditEvent } from "./audit-event.ts";
import { type AuditRecord, genesisHash, renderAuditTime, sealRecord, serverChain } from "./audit-record.ts";
import type { AuditSettings } from "./audit-settings.ts";
import { advanceChain, findTakenPlace, insertEvent } from "./audit-store.ts";

/** When an event is appended, and as what. */
export interface AppendPlace {
  /** ULID. */
  readonly id: string;
  /** ms since 1970. */
  readonly nowMs: number;
}

/** Recorded even when recording is off: who switches it off is seen. */
const alwaysRecorded: ReadonlySet<string> = new Set(["maxiofs:UpdateSettings", "audit:Retention"]);

/** Whether the settings want the event recorded. */
export function isWantedEvent({ action, via }: AuditEvent, settings: AuditSettings): boolean {
  if (alwaysRecorded.has(action)) return true;
  if (!settings["audit.enabled"]) return false;
  if (via === "s3") return settings["audit.log_s3_operations"];
  const isConsole = via === "console" || via === "token" || via === "api";
  return isConsole ? settings["audit.log_console_operations"] : true;
}

/** Appends an event to its chain, inside the transaction of the change it tells of. @throws AuditBlockedError when its place is taken */
export async function appendEvent(
  queries: ControlQueries,
  event: AuditEvent & Pick<AuditRecord, "count" | "since">,
  { id, nowMs }: AppendPlace,
): Promise<void> {
  const chain = event.tenantId ?? serverChain;
  const head = await advanceChain(queries, chain, genesisHash(chain));
  const takenSeq = await findTakenPlace(queries, chain, head.seq + 1);
  if (takenSeq !== undefined) throw new AuditBlockedError({ chain, seq: head.seq, takenSeq });
  const time = renderAuditTime(nowMs);
  await insertEvent(queries, sealRecord({ ...event, chain, seq: head.seq + 1, id, time }, head.hash));
}
