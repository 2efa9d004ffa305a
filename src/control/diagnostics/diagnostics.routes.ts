import { Elysia, t } from "elysia";
import type { SignatureRecord } from "#kernel/protocol/diagnostics.ts";
import { explainMismatch, mismatchCauses } from "#kernel/sigv4/explain-mismatch.ts";
import type { Caller } from "../http/caller.ts";
import { ControlError } from "../http/control-error.ts";
import { pageAnswer, textOrNull, timeText, valueAnswer } from "../http/route-answer.ts";
import { denialSchema } from "../iam/policies/explanation-answers.ts";
import { maySeeDenial, renderDenial } from "./render-denial.ts";
import type { FoundRecords, WorkerQuestions } from "./worker-questions.ts";

/** UTF-16 units of a pasted text: what fits into a request's head, and more. */
const maxSignedTextLength = 65_536;
const rule = { tags: ["diagnostics"], action: "maxiofs:ExplainAccess", scope: "T" };

/** As S3 answers it in `x-amz-request-id`. */
const requestIdText = t.String({ pattern: "^[0-9A-F]{16}$" });
const requestQuery = t.Object({ requestId: requestIdText }, { additionalProperties: false });

const signedText = t.Optional(t.String({ minLength: 1, maxLength: maxSignedTextLength }));
const comparison = t.Object(
  { requestId: requestIdText, canonicalRequest: signedText, stringToSign: signedText },
  { additionalProperties: false },
);

const strict = { additionalProperties: false };
const signature = t.Object(
  {
    requestId: requestIdText,
    time: timeText,
    accessKeyId: t.String(),
    canonicalRequest: textOrNull,
    stringToSign: t.String(),
  },
  { $id: "Signature", ...strict },
);
const difference = t.Object(
  {
    text: t.Union([t.Literal("canonicalRequest"), t.Literal("stringToSign")]),
    ...{ part: t.String(), server: textOrNull, client: textOrNull },
  },
  strict,
);
const compared = t.Object(
  {
    difference: t.Union([difference, t.Null()]),
    ...{ cause: t.String(), advice: t.String(), server: signature },
  },
  { $id: "SignatureComparison", ...strict },
);

/** What the routes stand on. */
export interface DiagnosticsRoutesOptions {
  readonly questions: Pick<WorkerQuestions, "find">;
  /** Who makes a request that the guard let through. */
  readonly callerOf: (request: Request) => Caller;
}

/**
 * `/api/v1/diagnostics/denials?requestId=`: why policies refused an S3 request, with the smallest statement that would help. Workers
 * keep the last ones for a while, until they are restarted. `/api/v1/diagnostics/signatures` in the same way: GET gives what the server
 * computed a signature over, POST compares it with what the client says it signed, and names the likely cause.
 */
export function diagnosticsRoutes({ questions, callerOf }: DiagnosticsRoutesOptions) {
  const findSignature = async (request: Request, requestId: string) => {
    const { global, tenantId } = callerOf(request);
    const found = await questions.find("signatures", requestId);
    const [record] = requireRecords(found, (one) => global || (one.tenantId !== null && one.tenantId === tenantId));
    if (record === undefined) throw new ControlError("NotFound");
    return record;
  };
  return new Elysia({ prefix: "/api/v1/diagnostics", normalize: false })
    .get(
      "/denials",
      async ({ request, query: { requestId } }) => {
        const caller = callerOf(request);
        const found = await questions.find("denials", requestId);
        const records = requireRecords(found, (record) => maySeeDenial(caller, record));
        return { items: records.map((record) => renderDenial(record, caller)), nextCursor: null };
      },
      { query: requestQuery, detail: { ...rule, answer: pageAnswer(denialSchema) } },
    )
    .get(
      "/signatures",
      async ({ request, query: { requestId } }) => renderSignature(await findSignature(request, requestId)),
      { query: requestQuery, detail: { ...rule, answer: valueAnswer(signature) } },
    )
    .post(
      "/signatures",
      async ({ request, body: { requestId, ...client } }) => {
        if (client.canonicalRequest === undefined && client.stringToSign === undefined)
          throw new ControlError("InvalidRequest", "The client's canonicalRequest or stringToSign is wanted");
        const record = await findSignature(request, requestId);
        const { canonicalRequest, stringToSign } = record;
        const { difference, cause } = explainMismatch(
          { canonicalRequest: canonicalRequest ?? undefined, stringToSign },
          client,
        );
        return { difference, cause, advice: mismatchCauses[cause], server: renderSignature(record) };
      },
      { body: comparison, detail: { ...rule, answer: valueAnswer(compared) } },
    );
}

function renderSignature({ timeMs, tenantId: _, ...record }: SignatureRecord) {
  return { ...record, time: new Date(timeMs).toISOString() };
}

/** @throws ControlError NotFound (nothing is kept, or not for this caller), Unavailable (a worker did not answer) */
function requireRecords<R>({ records, isComplete }: FoundRecords<R>, maySee: (record: R) => boolean): readonly R[] {
  const seen = records.filter(maySee);
  if (seen.length > 0) return seen;
  if (!isComplete) throw new ControlError("Unavailable", "A worker did not answer in time: ask again");
  throw new ControlError("NotFound", "Nothing is known of this request: it was not refused this way, or too long ago");
}
