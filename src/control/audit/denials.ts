import type { AuditEvent } from "./audit-event.ts";
import { canonicalJson } from "./canonical-json.ts";

/** Equal denials, waiting to be recorded as one. */
export interface CountedDenial {
  /** The first of them. */
  readonly event: AuditEvent;
  readonly count: number;
  /** When the first was, ms since 1970. */
  readonly sinceMs: number;
}

/** Different denials that wait at the same time; beyond it those of one tenant are counted as one. */
export const maxWaitingDenials = 10_000;

/** Counts equal denials between two recordings: who floods the server with them gets one event a minute. */
export class Denials {
  readonly #waiting = new Map<string, { event: AuditEvent; count: number; sinceMs: number }>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Two are equal when they differ in request id, agent and change alone; those of S3 also in the address. @param count 1 at least */
  add(event: AuditEvent, nowMs: number, count = 1): void {
    const full = this.#waiting.size >= maxWaitingDenials;
    const found = this.#waiting.get(keyOf(event)) ?? (full ? this.#waiting.get(keyOf(summary(event))) : undefined);
    if (found) found.count += count;
    else {
      const kept = full ? summary(event) : event;
      this.#waiting.set(keyOf(kept), { event: kept, count, sinceMs: nowMs });
    }
  }

  /** All that wait, oldest first; they wait no more. */
  take(): readonly CountedDenial[] {
    const taken = [...this.#waiting.values()];
    this.#waiting.clear();
    return taken;
  }

  /** Recording failed: they wait again. */
  putBack(denials: readonly CountedDenial[]): void {
    for (const { event, count, sinceMs } of denials) {
      const key = keyOf(event);
      const found = this.#waiting.get(key);
      this.#waiting.set(key, { event, count: count + (found?.count ?? 0), sinceMs });
    }
  }
}

function keyOf({ requestId: _, agent: __, change: ___, address, ...rest }: AuditEvent): string {
  return canonicalJson(rest.via === "s3" || address === undefined ? rest : { ...rest, address });
}

/** What is left of a denial when too many different ones wait. */
function summary({ tenantId, outcome, via }: AuditEvent): AuditEvent {
  const actor = { kind: "system", id: "overflow", name: "overflow" } as const;
  return { tenantId, actor, action: "audit:ManyDenials", outcome, via };
}
