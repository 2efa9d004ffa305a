import { Elysia, t } from "elysia";
import { ControlError, RefusedError } from "../http/control-error.ts";
import { streamAnswer } from "../http/route-answer.ts";
import type { Guard } from "../session/guard.ts";
import type { LiveFeed } from "./live-feed.ts";
import { type LiveTopic, liveTopics } from "./live-meter.ts";

const rule = { tags: ["metrics"], action: "maxiofs:ReadMetrics", scope: "T" };

/** What the route stands on. */
export interface LiveRoutesOptions {
  readonly live: Pick<LiveFeed, "open">;
  readonly guard: Pick<Guard, "requireUser" | "isStillAllowed">;
}

/**
 * `/api/v1/live?topics=system,storage,performance`: server-sent events, each second one per topic with its name and the state as
 * JSON. All topics when none is named. Every event is whole: who comes back has missed nothing but the past, which
 * `/api/v1/metrics/history` has. Who is no global administrator is told of the storage of his own tenant. The stream ends with
 * the right to it: session over, locked or revoked, token or key revoked, right taken away.
 */
export function liveRoutes({ live, guard }: LiveRoutesOptions) {
  return new Elysia({ prefix: "/api/v1", normalize: false }).get(
    "/live",
    ({ request, query }) => {
      const { caller } = guard.requireUser(request);
      const topics = parseTopics(query.topics, caller.global ? liveTopics : ["storage"]);
      const isWhole = topics.some((topic) => topic !== "storage");
      if (isWhole && !caller.global) throw new RefusedError(rule.action);
      const body = live.open({
        userId: caller.userId,
        tenantId: caller.global ? undefined : caller.tenantId,
        topics,
        signal: request.signal,
        mayGoOn: () => guard.isStillAllowed(request, { action: rule.action, scope: caller.global ? "G" : "T" }),
      });
      return new Response(body, { headers: { "content-type": "text/event-stream", "x-accel-buffering": "no" } });
    },
    {
      query: t.Object({ topics: t.Optional(t.String({ maxLength: 64 })) }, { additionalProperties: false }),
      detail: { ...rule, answer: streamAnswer("text/event-stream", "An event per topic each second") },
    },
  );
}

/** @throws ControlError InvalidRequest for a name that is no topic, or one twice */
function parseTopics(text: string | undefined, all: readonly LiveTopic[]): readonly LiveTopic[] {
  if (text === undefined) return all;
  const names = text.split(",");
  const topics = liveTopics.filter((topic) => names.includes(topic));
  if (topics.length !== names.length) throw new ControlError("InvalidRequest", `topics: of ${liveTopics.join(", ")}`);
  return topics;
}
