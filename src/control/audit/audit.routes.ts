import { Elysia, t } from "elysia";
import type { Clock } from "#kernel/base/clock.ts";
import type { Caller } from "../http/caller.ts";
import { ControlError } from "../http/control-error.ts";
import { momentText, parseMoment } from "../http/time-text.ts";
import { dataEventsAnswer, eventsAnswer, exportAnswer, headsAnswer, verifiedAnswer } from "./audit-answers.ts";
import type { AuditFilter } from "./audit-filter.ts";
import { serverChain } from "./audit-record.ts";
import type { AuditTrail } from "./audit-trail.ts";
import type { DataEventFiles } from "./data-event-files.ts";
import { exportCsv, exportJsonLines } from "./export-audit.ts";
import { originOfCaller } from "./origin-of-caller.ts";

const read = { tags: ["audit"], action: "maxiofs:ReadAudit", scope: "T" };
const exportRule = { tags: ["audit"], action: "maxiofs:ExportAudit", scope: "T" };
const maxPage = 1000;
const defaultPage = 50;

const text = t.Optional(t.String({ minLength: 1, maxLength: 2048 }));
const time = t.Optional(momentText);

/** Chain and filters; `tenant` is a tenant's id, or `server`, and only global administrators may name another than their own. */
const selection = {
  tenant: t.Optional(t.String({ minLength: 1, maxLength: 64 })),
  ...{ actorKind: text, actorId: text, actorName: text, accessKeyId: text, sessionId: text },
  mfa: t.Optional(t.Boolean()),
  ...{ action: text, resourceKind: text, resourceId: text, resourceName: text, resourceArn: text, outcome: text },
  ...{ code: text, requestId: text, address: text, agent: text, via: text, from: time, to: time },
};
const strict = { additionalProperties: false };

/** What the routes stand on. */
export interface AuditRoutesOptions {
  readonly audit: AuditTrail;
  readonly dataEvents: Pick<DataEventFiles, "days" | "read">;
  readonly clock: Clock;
  /** Who makes a request that the guard let through. */
  readonly callerOf: (request: Request) => Caller;
}

/**
 * `/api/v1/audit`: events with filters, newest first; the ends of the chains; an export of everything that matches; a
 * verification. A caller sees the chain of the own tenant, a global administrator all of them.
 */
export function auditRoutes(options: AuditRoutesOptions) {
  const { audit, callerOf } = options;
  return new Elysia({ prefix: "/api/v1/audit", normalize: false })
    .get(
      "/events",
      async ({ request, query: { limit = defaultPage, cursor = "", tenant, ...filter } }) => {
        const chain = chooseChain(callerOf(request), tenant);
        return audit.find({ chain, filter: checkTimes(filter), cursor, limit });
      },
      {
        query: t.Object(
          {
            ...selection,
            limit: t.Optional(t.Integer({ minimum: 1, maximum: maxPage })),
            cursor: t.Optional(t.String({ pattern: "^[0-9A-Z]{26}$" })),
          },
          strict,
        ),
        detail: { ...read, answer: eventsAnswer },
      },
    )
    .get(
      "/head",
      async ({ request, query }) => ({
        items: await audit.describeHeads(chooseChain(callerOf(request), query.tenant)),
        keys: await audit.publicKeys(),
        nextCursor: null,
      }),
      { query: t.Object({ tenant: selection.tenant }, strict), detail: { ...read, answer: headsAnswer } },
    )
    .get(
      "/verify",
      async ({ request, query }) => {
        const items = await audit.verify(chooseChain(callerOf(request), query.tenant));
        return { isSound: items.every(({ problem }) => problem === undefined), items, nextCursor: null };
      },
      { query: t.Object({ tenant: selection.tenant }, strict), detail: { ...read, answer: verifiedAnswer } },
    )
    .get("/data-events", ({ request, query: { day } }) => answerDataEvents(request, day, options), {
      query: t.Object({ day: t.Optional(t.String({ pattern: "^\\d{4}-\\d\\d-\\d\\d$" })) }, strict),
      detail: { ...exportRule, answer: dataEventsAnswer },
    })
    .get("/export", ({ request, query }) => answerExport(request, query, options), {
      query: t.Object({ ...selection, format: t.Union([t.Literal("csv"), t.Literal("jsonl")]) }, strict),
      detail: { ...exportRule, answer: exportAnswer },
    });
}

interface ExportQuery extends AuditFilter {
  readonly tenant?: string;
  readonly format: "csv" | "jsonl";
}

/** The export is recorded, and signed with the heads of that moment, before its first line goes out. */
async function answerExport(
  request: Request,
  { format, tenant, ...filter }: ExportQuery,
  { audit, clock, callerOf }: AuditRoutesOptions,
): Promise<Response> {
  const caller = callerOf(request);
  const chain = chooseChain(caller, tenant);
  const change = { filter: { after: { ...filter, ...(tenant !== undefined && { tenant }), format } } };
  const source = await audit.openExport({
    ...{ chain, filter: checkTimes(filter), time: new Date(clock.nowMs()).toISOString() },
    event: {
      ...originOfCaller(caller),
      ...{ tenantId: caller.global ? null : caller.tenantId, action: exportRule.action, outcome: "success", change },
    },
  });
  const lines = format === "csv" ? exportCsv(source) : exportJsonLines(source);
  const type = format === "csv" ? "text/csv; charset=utf-8; header=present" : "application/jsonl";
  return new Response(toStream(lines), {
    headers: {
      "content-type": type,
      "content-disposition": `attachment; filename="audit.${format}"`,
      "cache-control": "no-store",
    },
  });
}

/** Without a day the days that have events; else the day's, of the caller's tenant or, for global administrators, all. */
async function answerDataEvents(
  request: Request,
  day: string | undefined,
  { audit, dataEvents, callerOf }: AuditRoutesOptions,
): Promise<unknown> {
  if (day === undefined) return { items: (await dataEvents.days()).map((name) => ({ day: name })), nextCursor: null };
  const caller = callerOf(request);
  await audit.recordExport({
    ...originOfCaller(caller),
    ...{ tenantId: caller.global ? null : caller.tenantId, action: exportRule.action, outcome: "success" },
    change: { filter: { after: { dataEvents: day } } },
  });
  const lines = dataEvents.read(day, caller.global ? undefined : caller.tenantId);
  return new Response(toStream(lines), { headers: { "content-type": "application/jsonl" } });
}

/** A pull stream: nothing is read from the database that the client does not take. */
function toStream(lines: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await lines.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel: async () => {
      await lines.return(undefined);
    },
  });
}

/** The chain that is asked for; empty for all. @throws ControlError NotFound for the chain of somebody else */
function chooseChain({ global, tenantId }: Caller, wanted: string | undefined): string {
  if (global) return wanted ?? "";
  if (wanted !== undefined && wanted !== tenantId) throw new ControlError("NotFound");
  // A tenant's id is never the name of the server's chain.
  if (tenantId === serverChain) throw new ControlError("NotFound");
  return tenantId;
}

/** @throws ControlError InvalidRequest for a time that does not exist */
function checkTimes<F extends AuditFilter>(filter: F): F {
  for (const name of ["from", "to"] as const) {
    const value = filter[name];
    if (value !== undefined) parseMoment(value, `/${name}`);
  }
  return filter;
}
