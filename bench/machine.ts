import { cpus, totalmem } from "node:os";

/** What a machine is called: baselines of another say nothing of this one. */
export function describeMachine(): string {
  const [first] = cpus();
  return `${first?.model ?? "unknown processor"}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
}
