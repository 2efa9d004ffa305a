import type { RouteAnswer } from "./route-answer.ts";

/**
 * What a route asks of its caller; every route that is not public names it in its `detail`.
 * `{ action: "iam:CreateUser", scope: "T" }`
 */
export interface RouteRule {
  /** The policy action; `-` for routes that serve the session itself, which need no right. */
  readonly action: string;
  /** Whose things it touches: those of a tenant, the whole server's (global administrators), the caller's own. */
  readonly scope: "T" | "G" | "O";
  /** True when password, second factor or passkey must have been given within the last 10 minutes. */
  readonly freshProof?: boolean;
  /**
   * Who asks the policies. Absent: the guard, for `*` (scope O: for the caller's own user). `route`: the route itself, for the
   * resource that it finds.
   */
  readonly decidedBy?: "route";
  /**
   * What a session that must do it before anything else may call all the same: change a password that was given to the user, or
   * set up the second factor that administrators need. Nobody is asked then whether he may.
   */
  readonly serves?: "passwordChange" | "enrolment";
  /** True when the request must name the revision that it edits: without `If-Match` it is refused with 428. */
  readonly ifMatch?: boolean;
  /** True when the answer may be a stream of lines or events; read from what the route says that it answers. */
  readonly streams?: boolean;
}

/** As the framework takes it: constants of a file may widen the scope to a string, so it is judged when the routes are read. */
interface RuleOfDetail extends Omit<RouteRule, "scope" | "decidedBy" | "serves"> {
  readonly scope: string;
  readonly decidedBy?: string;
  readonly serves?: string;
}

declare module "elysia" {
  interface DocumentDecoration extends Partial<RuleOfDetail> {
    /** What it answers when it succeeds; of routes that are not public. */
    readonly answer?: RouteAnswer;
  }
}
