/**
 * The load generator, a process of its own so that its processor time is not the server's:
 * reads a plan from standard input, runs it, writes the result as one line of JSON.
 */
import { GetWorkload } from "./get-workload.ts";
import { ListWorkload } from "./list-workload.ts";
import { type LoadPlan, parseLoadPlan } from "./load-plan.ts";
import { LoadRunner } from "./load-runner.ts";
import { MixedWorkload } from "./mixed-workload.ts";
import { PutWorkload } from "./put-workload.ts";
import { TransferWorkload } from "./transfer-workload.ts";
import type { Workload } from "./workload.ts";

/** The workload a plan asks for. */
export function openWorkload(plan: LoadPlan): Workload {
  const { work } = plan;
  switch (work.kind) {
    case "put":
      return new PutWorkload(plan, work);
    case "get":
      return new GetWorkload(plan, work);
    case "mixed":
      return new MixedWorkload(plan, work);
    case "list":
      return new ListWorkload(plan, work);
    case "transfer":
      return new TransferWorkload(plan, work);
  }
}

if (import.meta.main) {
  const plan = parseLoadPlan(await Bun.stdin.text());
  const result = await new LoadRunner(plan, openWorkload(plan)).run();
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(0);
}
