import { systemClock } from "#kernel/base/clock.ts";
import { systemRandom } from "#kernel/base/random.ts";
import { SpanMaker } from "#kernel/trace/span-maker.ts";

/** Makes the spans of a thread with the machine's clock and generator. */
export function openSpanMaker(threadName: string): SpanMaker {
  return new SpanMaker({ clock: systemClock, random: systemRandom, threadName });
}
