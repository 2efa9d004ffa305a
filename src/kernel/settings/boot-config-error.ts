/** The configuration is refused. Each problem is a sentence for the operator, without secrets; the message has them all. */
export class BootConfigError extends Error {
  override readonly name = "BootConfigError";
  readonly problems: readonly string[];
  /** `EX_CONFIG`. Source: sysexits.h. */
  readonly exitCode = 78;

  /** @param problems one at least. */
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}
