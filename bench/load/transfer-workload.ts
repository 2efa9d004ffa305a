import type { Exchange } from "./exchange.ts";
import type { LoadPlan, LoadWork } from "./load-plan.ts";
import { makeBodies, type ObjectBody } from "./object-body.ts";
import { bodyOf, SignedTargets } from "./signed-targets.ts";
import type { Workload } from "./workload.ts";

/** One large transfer per connection, all at once: some upload keys 1, 2, 3, ..., the others download key 0. */
export class TransferWorkload implements Workload {
  readonly #targets: SignedTargets;
  readonly #bodies: readonly ObjectBody[];
  readonly #uploads: number;
  readonly #sent: boolean[];
  #started = 0;

  constructor(plan: LoadPlan, work: Extract<LoadWork, { kind: "transfer" }>) {
    this.#targets = new SignedTargets(plan);
    this.#bodies = makeBodies({ sizeBytes: work.shape.sizeBytes, variants: 1 });
    this.#uploads = work.uploads;
    this.#sent = new Array<boolean>(plan.connections).fill(false);
  }

  prepare(): boolean {
    return this.#started < this.#sent.length;
  }

  next(exchange: Exchange): boolean {
    const { connection } = exchange;
    if (this.#sent[connection] === true) return false;
    this.#sent[connection] = true;
    this.#started += 1;
    const body = bodyOf(this.#bodies, 0);
    if (connection < this.#uploads) {
      exchange.reset("PutObject", Buffer.from(this.#targets.put(connection + 1, body), "latin1"));
      exchange.upload = body;
      exchange.expectedEtag = body.etag;
    } else {
      exchange.reset("GetObject", Buffer.from(this.#targets.bare("GET", 0), "latin1"));
      exchange.download = body;
    }
    exchange.index = connection;
    return true;
  }

  settle(): string {
    return "";
  }

  fail(): void {
    // One attempt per connection; the error is counted.
  }
}
