import type { Span } from "#kernel/trace/span.ts";
import { parseTraceparent } from "#kernel/trace/traceparent.ts";
import { openSpanMaker } from "../trace/open-span-maker.ts";
import type { TracedCommit } from "./group-commit.ts";

/** Makes the writer's span of each traced mutation: the transaction that it was in, which it shares with others. */
export function makeCommitSpans(take: (span: Span) => void): (commit: TracedCommit) => void {
  const maker = openSpanMaker("writer");
  return ({ trace, bucketId, mutationCount, startedMs, durationMs, isError }) => {
    const parent = parseTraceparent(trace);
    if (parent === undefined) return;
    const attributes = { "maxiofs.bucket_id": bucketId, "maxiofs.mutations": mutationCount };
    const span = maker.begin({ name: "CatalogCommit", kind: "server" }, parent).end({ isError, attributes });
    take({ ...span, startMs: maker.toUnixMs(startedMs), durationMs });
  };
}
