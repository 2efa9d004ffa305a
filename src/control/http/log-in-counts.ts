/** How log-ins ended since the start. */
export interface LogInCounts {
  readonly succeeded: number;
  /** The credentials were wrong. */
  readonly refused: number;
  /** They were not looked at, because too many came before. */
  readonly delayed: number;
}

/** Ways to log in at the console port: a key with each call, or a session's first and second step. */
export type LogInsByMethod = Readonly<Record<"basic" | "password", LogInCounts>>;
