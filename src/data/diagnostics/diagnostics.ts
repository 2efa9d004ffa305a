import type { Clock } from "#kernel/base/clock.ts";
import type { DenialRecord, KeptAnswer, KeptKind } from "#kernel/protocol/diagnostics.ts";
import { type Denial, describeDenial } from "./describe-denial.ts";
import { RecentRecords } from "./recent-records.ts";

/** Denials that a worker can explain. */
const maxKeptDenials = 1000;
/** Denials of one second that are kept. */
const maxDenialsPerSecond = 100;

/** What a worker remembers of refused requests, for those who ask why. */
export class Diagnostics {
  readonly #denials: RecentRecords<DenialRecord>;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    const monotonicMs = () => clock.monotonicMs();
    const bounds = { maxCount: maxKeptDenials, maxPerSecond: maxDenialsPerSecond, monotonicMs };
    this.#denials = new RecentRecords(bounds);
  }

  /** Policies refused something. */
  noteDenial(denial: Denial): void {
    this.#denials.add(() => describeDenial(denial));
  }

  /** What is kept of a request. */
  find({ what, requestId }: { readonly what: KeptKind; readonly requestId: string }): KeptAnswer {
    switch (what) {
      case "denials":
        return { denials: this.#denials.find(requestId) };
    }
  }
}
