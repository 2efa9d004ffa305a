import type { Span, TakeSpans } from "#kernel/trace/span.ts";

/** Spans wait for others at most this long, ms. */
const gatherMs = 500;
/** Spans of one message; what comes on top until it leaves is dropped: so the control thread gets no more than it can take. */
export const maxSpansPerMessage = 1_000;

/** How spans leave the thread. */
export interface SpanOutboxOptions {
  readonly send: TakeSpans;
  /** Calls back once after so many ms. */
  readonly after: (ms: number, call: () => void) => void;
}

/** Gathers the finished spans of a thread of the data plane and sends them in batches. Nobody waits for it. */
export class SpanOutbox {
  readonly #options: SpanOutboxOptions;
  #spans: Span[] = [];
  #droppedCount = 0;
  #isScheduled = false;

  constructor(options: SpanOutboxOptions) {
    this.#options = options;
  }

  /** Takes a finished span. */
  add(span: Span): void {
    if (this.#spans.length >= maxSpansPerMessage) {
      this.#droppedCount += 1;
      return;
    }
    this.#spans.push(span);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.after(gatherMs, () => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  /** Sends what waits. */
  flush(): void {
    if (this.#spans.length === 0) return;
    const [spans, droppedCount] = [this.#spans, this.#droppedCount];
    this.#spans = [];
    this.#droppedCount = 0;
    this.#options.send(spans, droppedCount);
  }
}
