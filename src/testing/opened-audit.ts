import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditEvent } from "#control/audit/audit-event.ts";
import { AuditTrail } from "#control/audit/audit-trail.ts";
import { openAuditSigner } from "#control/audit/open-audit-signer.ts";
import { findEvents } from "#control/audit/read-audit.ts";
import type { ControlDatabase } from "#control/database/control-database.ts";
import { openControlDatabase } from "#control/database/open-control-database.ts";
import { Sealer } from "#control/encryption/seal.ts";
import { createLog } from "#control/observe/log.ts";
import { systemRandom } from "#kernel/base/random.ts";
import { resolveSettings } from "#kernel/settings/settings.ts";
import { FakeClock } from "./fake-clock.ts";

const opened: { database: ControlDatabase; folder: string }[] = [];

/** An audit on a database of its own, with a clock that stands still; `closeAudits` ends it. */
export async function openAudit() {
  const folder = mkdtempSync(join(tmpdir(), "maxiofs-audit-"));
  const database = await openControlDatabase(folder);
  opened.push({ database, folder });
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = createLog({ level: "debug", format: "json", clock, output: (line) => void lines.push(line) });
  const sealer = new Sealer(new Uint8Array(32), systemRandom);
  const signer = await openAuditSigner({ database, sealer, clock, random: systemRandom });
  const settings = { ...resolveSettings({ stored: new Map(), overrides: {}, defaults: {} }) };
  const trail = new AuditTrail({ database, signer, settings: () => settings, clock, random: systemRandom, log });
  return {
    ...{ folder, database, clock, lines, log, signer, settings, trail },
    /** Records one event in a transaction of its own. */
    record: (event: AuditEvent) => database.transaction((queries) => trail.record(queries, event)),
    /** The reports on all chains. */
    verify: () => trail.verify(""),
    /** The recorded actions, oldest first. */
    actions: async () => {
      const { items } = await findEvents(database, { chain: "", filter: {}, cursor: "", limit: 1000 });
      return items.map(({ action }) => action).reverse();
    },
  };
}

/** Ends every audit of this test and removes the folders. */
export async function closeAudits(): Promise<void> {
  for (const { database, folder } of opened.splice(0)) {
    await database.close();
    rmSync(folder, { recursive: true });
  }
}

/** An event of the server's chain. */
export function makeEvent(change: Partial<AuditEvent> = {}): AuditEvent {
  return {
    tenantId: null,
    actor: { kind: "user", id: "AIDAROOT", name: "admin" },
    action: "iam:CreateUser",
    outcome: "success",
    address: "192.0.2.1",
    via: "console",
    ...change,
  };
}
