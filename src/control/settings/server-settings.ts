import { pickDataSettings } from "#kernel/settings/data-settings.ts";
import { secretMask } from "#kernel/settings/setting-rule.ts";
import {
  availableSettings,
  categoryOf,
  resolveSettings,
  ruleOf,
  type SettingName,
  type SettingOverrides,
  type Settings,
} from "#kernel/settings/settings.ts";
import type { AuditEvent, RecordAudit } from "../audit/audit-event.ts";
import type { ControlDatabase } from "../database/control-database.ts";
import { SerialQueue } from "../database/serial-queue.ts";
import { ControlError } from "../http/control-error.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";
import { parseSettingChanges, type SettingChanges } from "./parse-setting-changes.ts";
import type { SettingStore, StoredSettings } from "./setting-store.ts";

/** What the settings stand on. */
export interface ServerSettingsOptions {
  readonly database: ControlDatabase;
  readonly store: SettingStore;
  /** As read from the database when it was opened. */
  readonly stored: StoredSettings;
  /** Given at start: they win and cannot be changed. */
  readonly overrides: SettingOverrides;
  /** Defaults that depend on the machine. */
  readonly defaults: SettingOverrides;
  readonly publisher: Pick<SnapshotPublisher, "publish">;
  readonly record: RecordAudit;
}

/** One setting as it is shown. */
export interface ShownSetting {
  readonly key: SettingName;
  readonly category: string;
  readonly description: string;
  readonly type: string;
  /** What a value must be, in words. */
  readonly allowed: string;
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  readonly words?: readonly string[];
  readonly secret: boolean;
  readonly default: unknown;
  /** In force. Of a secret: `***` when it is set, else empty. */
  readonly value: unknown;
  /** Where the value comes from; one given at start cannot be changed. */
  readonly source: "start" | "stored" | "default";
}

/** Who changes settings, as the event tells it. */
export type ChangeOrigin = Omit<AuditEvent, "tenantId" | "action" | "resource" | "outcome" | "code" | "change">;

/** A bulk change: all of it or nothing. */
export interface SettingUpdate {
  /** JSON values by key; null puts the default back. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The revision that was read; undefined for whatever is stored. */
  readonly revision: number | undefined;
  readonly origin: ChangeOrigin;
}

/** The dynamic settings of the server, live: a change is stored, recorded, in force everywhere, then answered. */
export class ServerSettings {
  readonly #options: ServerSettingsOptions;
  readonly #turns = new SerialQueue();
  readonly #listeners: ((settings: Settings) => void)[] = [];
  #stored: StoredSettings;
  #current: Settings;

  constructor(options: ServerSettingsOptions) {
    this.#options = options;
    this.#stored = options.stored;
    this.#current = this.#resolve(options.stored.texts);
  }

  /** The values in force. Ask each time: the object does not change, it is replaced. */
  get current(): Settings {
    return this.#current;
  }

  /** Goes up with every change. */
  get revision(): number {
    return this.#stored.revision;
  }

  /** Calls the listener now and after each change, when the workers know it. It must not throw. */
  follow(listener: (settings: Settings) => void): void {
    this.#listeners.push(listener);
    listener(this.#current);
  }

  /** The settings that the server has, in the order of the list. */
  list(): readonly ShownSetting[] {
    return availableSettings.map((name) => this.show(name));
  }

  /** One setting. */
  show(name: SettingName): ShownSetting {
    const { defaults } = this.#options;
    const { type, description, allowed, unit, min, max, words, isSecret, fallback } = ruleOf(name);
    const bounds = {
      ...(unit !== undefined && { unit }),
      ...(min !== undefined && { min }),
      ...(max !== undefined && { max }),
      ...(words !== undefined && { words }),
    };
    const value = this.#current[name];
    return {
      ...{ key: name, category: categoryOf(name), description, type, allowed, ...bounds, secret: isSecret },
      default: defaults[name] ?? fallback,
      value: isSecret && value !== "" ? secretMask : value,
      source: this.#sourceOf(name),
    };
  }

  /**
   * Changes settings. When it resolves they are on disk, every worker and every follower knows them.
   * @throws ControlError InvalidRequest for what cannot be changed so; PreconditionFailed when the revision is another one.
   */
  update({ body, revision, origin }: SettingUpdate): Promise<void> {
    const { database, store, publisher, overrides, record } = this.#options;
    return this.#turns.run(async () => {
      const changes = parseSettingChanges(body, overrides);
      if (revision !== undefined && revision !== this.revision) throw new ControlError("PreconditionFailed");
      const texts = applyChanges(this.#stored.texts, changes);
      if (texts === undefined) return;
      const next = this.#resolve(texts);
      const stored = await database.transaction(async (queries): Promise<StoredSettings> => {
        for (const [name, text] of changes) await store.write(queries, name, text);
        await record(queries, renderEvent(origin, [this.#current, next], [...changes.keys()]));
        return { texts, revision: await store.nextRevision(queries) };
      });
      this.#stored = stored;
      this.#current = next;
      await publisher.publish([{ kind: "settings", id: "settings", value: pickDataSettings(next) }]);
      for (const listener of this.#listeners) listener(next);
    });
  }

  #sourceOf(name: SettingName): ShownSetting["source"] {
    if (this.#options.overrides[name] !== undefined) return "start";
    return this.#stored.texts.has(name) ? "stored" : "default";
  }

  #resolve(stored: ReadonlyMap<string, string>): Settings {
    const { overrides, defaults } = this.#options;
    return resolveSettings({ overrides, stored, defaults });
  }
}

/** The stored texts after the changes; undefined when that makes no difference. */
function applyChanges(
  texts: ReadonlyMap<string, string>,
  changes: SettingChanges,
): ReadonlyMap<string, string> | undefined {
  if ([...changes].every(([name, text]) => texts.get(name) === text)) return undefined;
  const next = new Map(texts);
  for (const [name, text] of changes) {
    if (text === undefined) next.delete(name);
    else next.set(name, text);
  }
  return next;
}

function renderEvent(
  origin: ChangeOrigin,
  [before, after]: readonly [before: Settings, after: Settings],
  names: readonly SettingName[],
): AuditEvent {
  const change = names.map((name) => {
    return [name, ruleOf(name).isSecret ? {} : { before: before[name], after: after[name] }] as const;
  });
  return {
    ...origin,
    ...{ tenantId: null, action: "maxiofs:UpdateSettings", outcome: "success" },
    resource: { kind: "settings", id: "settings" },
    change: Object.fromEntries(change),
  };
}
