import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import { createUlidMaker } from "#kernel/base/ulid.ts";
import { appendEvent, isWantedEvent } from "./append-event.ts";
import type { RecordAudit } from "./audit-event.ts";
import type { AuditSettings } from "./audit-settings.ts";

/** What recording without a server needs. */
export interface OfflineRecording {
  readonly settings: AuditSettings;
  readonly clock: Clock;
  readonly random: Random;
}

/** Records events of commands that work on a data folder no server has. The next server signs them. */
export function recordOffline({ settings, clock, random }: OfflineRecording): RecordAudit {
  const makeId = createUlidMaker(clock, random);
  return async (queries, event) => {
    if (isWantedEvent(event, settings)) await appendEvent(queries, event, { id: makeId(), nowMs: clock.nowMs() });
  };
}
