/** The server must not start on this data folder. The message is for the operator; it holds no secret. */
export class StartRefusedError extends Error {
  override readonly name = "StartRefusedError";
  /** `EX_CONFIG`. Source: sysexits.h. */
  readonly exitCode = 78;
}
