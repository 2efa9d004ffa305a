import type { AuditRecord } from "./audit-record.ts";

/** What events must look like to be shown; absent parts do not matter. */
export interface AuditFilter {
  readonly actorKind?: string;
  readonly actorId?: string;
  readonly actorName?: string;
  readonly accessKeyId?: string;
  readonly sessionId?: string;
  readonly mfa?: boolean;
  /** With a `*` at the end: every action that begins so. */
  readonly action?: string;
  readonly resourceKind?: string;
  readonly resourceId?: string;
  readonly resourceName?: string;
  readonly resourceArn?: string;
  readonly outcome?: string;
  readonly code?: string;
  readonly requestId?: string;
  readonly address?: string;
  readonly agent?: string;
  readonly via?: string;
  /** RFC 3339; events at this time and later. */
  readonly from?: string;
  /** Events before this time. */
  readonly to?: string;
}

/** The filters that compare one field with a text. */
const fields: Readonly<Record<string, (record: AuditRecord) => string | undefined>> = {
  actorKind: ({ actor }) => actor.kind,
  actorId: ({ actor }) => actor.id,
  actorName: ({ actor }) => actor.name,
  accessKeyId: ({ actor }) => actor.accessKeyId,
  sessionId: ({ actor }) => actor.sessionId,
  resourceKind: ({ resource }) => resource?.kind,
  resourceId: ({ resource }) => resource?.id,
  resourceName: ({ resource }) => resource?.name,
  resourceArn: ({ resource }) => resource?.arn,
  outcome: ({ outcome }) => outcome,
  code: ({ code }) => code,
  requestId: ({ requestId }) => requestId,
  address: ({ address }) => address,
  agent: ({ agent }) => agent,
  via: ({ via }) => via,
};

/** Compiles a filter. @param filter its times can be parsed */
export function compileFilter(filter: AuditFilter): (record: AuditRecord) => boolean {
  const wanted = Object.entries(filter).flatMap(([name, value]) => {
    const read = fields[name];
    return read === undefined || typeof value !== "string" ? [] : [{ read, value }];
  });
  const { action, mfa } = filter;
  const [from, to] = [parseTime(filter.from), parseTime(filter.to)];
  return (record) => {
    if (action !== undefined && !matchesAction(action, record.action)) return false;
    if (mfa !== undefined && (record.actor.mfa ?? false) !== mfa) return false;
    const timeMs = Date.parse(record.time);
    if ((from !== undefined && timeMs < from) || (to !== undefined && timeMs >= to)) return false;
    return wanted.every(({ read, value }) => read(record) === value);
  };
}

function matchesAction(wanted: string, action: string): boolean {
  const [pattern, text] = [wanted.toLowerCase(), action.toLowerCase()];
  return pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

function parseTime(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}
