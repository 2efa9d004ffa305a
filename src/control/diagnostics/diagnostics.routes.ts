import { Elysia, t } from "elysia";
import type { Caller } from "../http/caller.ts";
import { ControlError } from "../http/control-error.ts";
import { maySeeDenial, renderDenial } from "./render-denial.ts";
import type { FoundRecords, WorkerQuestions } from "./worker-questions.ts";

const rule = { tags: ["diagnostics"], action: "maxiofs:ExplainAccess", scope: "T" };

/** As S3 answers it in `x-amz-request-id`. */
const requestIdText = t.String({ pattern: "^[0-9A-F]{16}$" });
const requestQuery = t.Object({ requestId: requestIdText }, { additionalProperties: false });

/** What the routes stand on. */
export interface DiagnosticsRoutesOptions {
  readonly questions: Pick<WorkerQuestions, "find">;
  /** Who makes a request that the guard let through. */
  readonly callerOf: (request: Request) => Caller;
}

/**
 * `/api/v1/diagnostics/denials?requestId=`: why policies refused an S3 request, with the smallest statement that would help. Workers
 * keep the last ones for a while, until they are restarted.
 */
export function diagnosticsRoutes({ questions, callerOf }: DiagnosticsRoutesOptions) {
  return new Elysia({ prefix: "/api/v1/diagnostics", normalize: false }).get(
    "/denials",
    async ({ request, query: { requestId } }) => {
      const caller = callerOf(request);
      const found = await questions.find("denials", requestId);
      const records = requireRecords(found, (record) => maySeeDenial(caller, record));
      return { items: records.map((record) => renderDenial(record, caller)), nextCursor: null };
    },
    { query: requestQuery, detail: rule },
  );
}

/** @throws ControlError NotFound (nothing is kept, or not for this caller), Unavailable (a worker did not answer) */
function requireRecords<R>({ records, isComplete }: FoundRecords<R>, maySee: (record: R) => boolean): readonly R[] {
  const seen = records.filter(maySee);
  if (seen.length > 0) return seen;
  if (!isComplete) throw new ControlError("Unavailable", "A worker did not answer in time: ask again");
  throw new ControlError("NotFound", "Nothing is known of this request: it was not refused this way, or too long ago");
}
