/** How log-ins ended since the start. */
export interface LogInCounts {
  readonly succeeded: number;
  /** The credentials were wrong. */
  readonly refused: number;
  /** They were not looked at, because too many came before. */
  readonly delayed: number;
}
