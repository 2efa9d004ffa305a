/** The data plane could not be started. The message is for the operator; it holds no secret. */
export class PoolStartError extends Error {
  override readonly name = "PoolStartError";
  /** `EX_OSERR`: a port is taken, a thread does not come up. Source: sysexits.h. */
  readonly exitCode = 71;
}
