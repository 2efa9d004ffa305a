import { t } from "elysia";
import { textOrNull, timeText } from "../../http/route-answer.ts";

const strict = { additionalProperties: false };
const layer = t.String({ description: "Such as `identityPolicy`, `boundary`, `bucketPolicy`" });
const outcome = t.Union([t.Literal("allow"), t.Literal("explicitDeny"), t.Literal("implicitDeny")]);
const whole = t.Integer({ minimum: 0 });
const statementRef = {
  policy: t.String(),
  index: t.Integer({ description: "From 0; -1 for a policy that cannot be read" }),
};
const misses = t.Array(t.Union([t.Literal("resource"), t.Literal("principal"), t.Literal("condition")]));
const effect = t.Union([t.Literal("Allow"), t.Literal("Deny")]);
const texts = t.Union([t.String(), t.Array(t.String())]);
const suggestion = t.Object(
  { layer, statement: t.Record(t.String(), t.Unknown(), { description: "A statement as policies have it" }) },
  { $id: "SuggestedStatement", ...strict },
);
const condition = {
  operator: t.Optional(t.String()),
  outcome: t.String(),
};

/** One action on one resource, decided and explained. */
export const simulatedSchema = t.Object(
  {
    action: t.String(),
    resource: t.String(),
    explanation: t.Object(
      {
        decision: t.Object(
          { outcome, layer, by: t.Optional(t.Object({ ...statementRef, sid: t.Optional(t.String()) }, strict)) },
          strict,
        ),
        statements: t.Array(
          t.Object(
            {
              ...{ layer, effect, misses },
              ref: t.Object({ ...statementRef, sid: t.Optional(t.String()) }, strict),
              applies: t.Boolean(),
              conditions: t.Array(
                t.Object({ ...condition, key: t.Optional(t.String()), seen: t.Optional(texts) }, strict),
              ),
            },
            strict,
          ),
        ),
        missingKeys: t.Array(t.String()),
        suggestion: t.Optional(suggestion),
      },
      strict,
    ),
  },
  { $id: "SimulatedAccess", ...strict },
);

/** Why policies refused a request. */
export const denialSchema = t.Object(
  {
    requestId: t.String(),
    time: timeText,
    operation: t.String(),
    action: t.String(),
    resource: t.String(),
    ownerTenantId: textOrNull,
    caller: t.Object({ arn: t.String(), tenantId: textOrNull, accessKeyId: textOrNull }, strict),
    reason: t.Optional(t.String()),
    decision: t.Object(
      { outcome, layer, statement: t.Optional(t.Object({ ...statementRef, sid: t.Optional(t.String()) }, strict)) },
      strict,
    ),
    statements: t.Array(
      t.Object(
        {
          ...{ layer, effect, misses, ...statementRef },
          sid: textOrNull,
          applies: t.Boolean(),
          conditions: t.Array(
            t.Object({ key: textOrNull, outcome: t.String(), seen: t.Union([texts, t.Null()]) }, strict),
          ),
        },
        strict,
      ),
    ),
    omittedStatementCount: whole,
    missingKeys: t.Array(t.String()),
    suggestion: t.Union([suggestion, t.Null()]),
    context: t.Record(t.String(), texts),
  },
  { $id: "Denial", ...strict },
);
