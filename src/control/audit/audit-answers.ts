import { t } from "elysia";
import { pageAnswer, type RouteAnswer, textOrNull, timeText, valueAnswer } from "../http/route-answer.ts";

const strict = { additionalProperties: false };
const whole = t.Integer({ minimum: 0 });
const text = t.Optional(t.String());

/** An event as it is recorded, in a chain. */
const event = t.Object(
  {
    ...{ chain: t.String(), seq: whole, id: t.String({ description: "ULID" }), time: timeText },
    tenantId: textOrNull,
    actor: t.Object(
      {
        kind: t.Union(["user", "root", "anonymous", "system", "commandLine"].map((kind) => t.Literal(kind))),
        ...{ id: t.String(), name: t.String(), accessKeyId: text, sessionId: text, mfa: t.Optional(t.Boolean()) },
      },
      strict,
    ),
    action: t.String({ description: "The policy action, or `auth:Login` and the like" }),
    resource: t.Optional(t.Object({ kind: t.String(), id: t.String(), name: text, arn: text }, strict)),
    outcome: t.Union(["success", "denied", "error"].map((outcome) => t.Literal(outcome))),
    ...{ code: text, requestId: text, address: text, agent: text },
    via: t.Union(["s3", "console", "token", "api", "commandLine", "system"].map((via) => t.Literal(via))),
    change: t.Optional(
      t.Record(t.String(), t.Object({ before: t.Optional(t.Unknown()), after: t.Optional(t.Unknown()) }, strict)),
    ),
    count: t.Optional(t.Integer({ minimum: 1, description: "Of equal denials: how many" })),
    since: t.Optional(timeText),
    ...{ prevHash: t.String(), hash: t.String() },
  },
  { $id: "AuditEvent", ...strict },
);
const mark = t.Object(
  {
    ...{ chain: t.String(), kind: t.Union([t.Literal("head"), t.Literal("cut")]), seq: whole, hash: t.String() },
    ...{ timeMs: whole, keyId: t.String(), signature: t.String({ description: "Ed25519, base64" }) },
  },
  { $id: "AuditMark", ...strict },
);
const head = t.Object({ chain: t.String(), seq: whole, hash: t.String(), signed: t.Union([mark, t.Null()]) }, strict);
const report = t.Object(
  {
    ...{ chain: t.String(), eventCount: whole, lastSeq: whole, signedSeq: whole },
    problem: t.Optional(t.Object({ seq: whole, eventId: text, reason: t.String() }, strict)),
  },
  { $id: "ChainReport", ...strict },
);

/** A page of events. */
export const eventsAnswer = pageAnswer(event);

/** Where the chains end, and with which keys that is signed. */
export const headsAnswer = valueAnswer(
  t.Object(
    {
      items: t.Array(head),
      keys: t.Array(t.Object({ keyId: t.String(), publicKey: t.String({ description: "Base64" }) }, strict)),
      nextCursor: t.Null(),
    },
    { $id: "AuditHeads", ...strict },
  ),
);

/** What a verification found. */
export const verifiedAnswer = valueAnswer(
  t.Object(
    { isSound: t.Boolean(), items: t.Array(report), nextCursor: t.Null() },
    { $id: "AuditVerification", ...strict },
  ),
);

const csv = "text/csv; charset=utf-8; header=present";
const days = t.Object({ items: t.Array(t.Object({ day: t.String() }, strict)), nextCursor: t.Null() }, strict);

/** Everything that matches, a line each. */
export const exportAnswer: RouteAnswer = {
  status: 200,
  description: "A line per event, with heads and signatures",
  content: { [csv]: t.String(), "application/jsonl": t.String() },
  headers: [],
};

/** The days that have events, or those of one day. */
export const dataEventsAnswer: RouteAnswer = {
  status: 200,
  description: "The days; with `day` its events, a line each",
  content: { "application/json": days, "application/jsonl": t.String() },
  headers: [],
};
