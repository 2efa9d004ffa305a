import { t } from "elysia";
import { type RouteAnswer, textOrNull, timeText, valueAnswer } from "../http/route-answer.ts";

const strict = { additionalProperties: false };
const whole = t.Integer({ minimum: 0 });
const duty = t.Union([t.Literal("passwordChange"), t.Literal("enrolment"), t.Null()], {
  description: "What must be done before anything else",
});
const account = {
  userId: t.String(),
  userName: t.String(),
  tenantId: t.String(),
  tenant: t.String(),
  global: t.Boolean(),
};

const session = t.Object(
  {
    ...{ sessionId: t.String(), ...account },
    methods: t.Array(t.String()),
    ...{ mfa: t.Boolean(), locked: t.Boolean(), freshProof: t.Boolean() },
    duty,
    csrfToken: t.String({ description: "Sent back as `X-MaxIOFS-CSRF`" }),
    ...{ createdAt: timeText, expiresAt: timeText, idleTimeoutSeconds: whole, idleLockSeconds: whole },
  },
  { $id: "Session", ...strict },
);
const challenge = t.Object(
  { challengeId: t.String(), methods: t.Array(t.String()) },
  { $id: "SecondFactorWanted", ...strict },
);

/** The own session. */
export const sessionAnswer = valueAnswer(session);
/** The own session, or the second step that is wanted. */
export const logInAnswer = valueAnswer(t.Union([session, challenge]));
/** How one can log in. */
export const methodsAnswer = valueAnswer(
  t.Object({ password: t.Boolean(), secondFactors: t.Array(t.String()) }, { $id: "LogInMethods", ...strict }),
);

/** A session in a list. */
export const listedSessionSchema = t.Object(
  {
    ...{ sessionId: t.String(), address: t.String(), agent: t.String(), methods: t.Array(t.String()) },
    ...{ locked: t.Boolean(), current: t.Boolean(), createdAt: timeText, seenAt: timeText },
  },
  { $id: "ListedSession", ...strict },
);
/** How many sessions ended. */
export const revokedAnswer = valueAnswer(t.Object({ revoked: whole }, { $id: "Revoked", ...strict }));

/** Who calls. */
export const meAnswer = valueAnswer(
  t.Object(
    {
      ...account,
      accountId: t.String({ description: "12 digits" }),
      ...{ via: t.String(), mfa: t.Boolean(), freshProof: t.Boolean() },
      secondFactor: t.Object({ totp: t.Boolean(), recoveryCodesLeft: whole }, strict),
    },
    { $id: "Me", ...strict },
  ),
);
/** One action and whether the caller may. */
export const rightSchema = t.Object(
  { action: t.String(), scope: t.String({ description: "T, G or O" }), allowed: t.Boolean() },
  { $id: "Right", ...strict },
);
/** A second factor that waits for its first code. */
export const totpAnswer = {
  ...valueAnswer(
    t.Object({ secret: t.String(), uri: t.String() }, { $id: "Totp", ...strict }),
    "To be enabled with a code",
  ),
  status: 201,
} as const;
/** New recovery codes, shown once. */
export const recoveryCodesAnswer = valueAnswer(
  t.Object({ recoveryCodes: t.Array(t.String()) }, { $id: "RecoveryCodes", ...strict }),
);

const token = {
  ...{ tokenId: t.String(), name: t.String(), policy: textOrNull },
  ...{ createdAt: timeText, expiresAt: timeText },
};
/** An API token without its text. */
export const tokenSchema = t.Object(token, { $id: "ApiToken", ...strict });
/** The answer that holds a token, this once. */
export const madeTokenAnswer: RouteAnswer = {
  ...valueAnswer(t.Object({ ...token, token: t.String() }, { $id: "NewApiToken", ...strict }), "It was made"),
  status: 201,
  headers: ["Location"],
};

/** A one-time password. */
export const oneTimePasswordAnswer = valueAnswer(
  t.Object({ password: t.String(), expiresAt: timeText }, { $id: "OneTimePassword", ...strict }),
);
