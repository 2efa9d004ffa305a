import type { Clock } from "#kernel/base/clock.ts";
import { TooManyRequestsError } from "../http/control-error.ts";
import type { LiveMeter, LiveTopic } from "./live-meter.ts";

/** Streams open at a time, of all callers and of one. */
export const maxLiveStreams = 64;
/** A browser opens one per tab. */
export const maxLiveStreamsOfUser = 8;

const tickMs = 1_000;
/** Pause between two lines of a stream that has nothing to tell, and between two looks whether its caller may still have it. */
const heartbeatMs = 5_000;
/** A stream that takes nothing for so long is ended. */
const stalledMs = 30_000;
/** How many snapshots may wait for a slow reader before newer ones are left out. */
const waitingSnapshots = 2;

/** What the feed stands on. */
export interface LiveFeedOptions {
  readonly clock: Clock;
  /** Called when the first stream opens: nothing is measured while nobody looks. */
  readonly makeMeter: () => Pick<LiveMeter, "tick" | "read">;
}

/** Who wants to be told of what. */
export interface LiveWish {
  readonly userId: string;
  /** Of whose buckets `storage` tells; undefined for all. */
  readonly tenantId: string | undefined;
  readonly topics: readonly LiveTopic[];
  /** Asked every five seconds; the stream ends when it is false. */
  readonly mayGoOn: () => Promise<boolean>;
  /** Aborted when the connection is gone. */
  readonly signal: AbortSignal;
}

interface Stream extends LiveWish {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  checkedAtMs: number;
  takenAtMs: number;
}

const encoder = new TextEncoder();

/** Sends what is measured each second to whoever listens, as server-sent events. Source: WHATWG HTML, server-sent events. */
export class LiveFeed {
  readonly #options: LiveFeedOptions;
  readonly #streams = new Set<Stream>();
  #meter: Pick<LiveMeter, "tick" | "read"> | undefined;
  #timer: Timer | undefined;

  constructor(options: LiveFeedOptions) {
    this.#options = options;
  }

  /**
   * A new stream; its first snapshot comes at once, one more each second.
   * @throws TooManyRequestsError when there are as many as there may be
   */
  open(wish: LiveWish): ReadableStream<Uint8Array> {
    const own = [...this.#streams].filter(({ userId }) => userId === wish.userId).length;
    if (own >= maxLiveStreamsOfUser || this.#streams.size >= maxLiveStreams) {
      throw new TooManyRequestsError(heartbeatMs / 1000, "Too many live streams are open; close one");
    }
    let stream: Stream | undefined;
    return new ReadableStream(
      {
        start: (controller) => {
          const nowMs = this.#options.clock.monotonicMs();
          stream = { ...wish, controller, checkedAtMs: nowMs, takenAtMs: nowMs };
          if (wish.signal.aborted) controller.close();
          else this.#add(stream);
          wish.signal.addEventListener("abort", () => stream && this.#remove(stream), { once: true });
        },
        cancel: () => stream && this.#remove(stream),
      },
      { highWaterMark: waitingSnapshots },
    );
  }

  /** How many streams are open. */
  get size(): number {
    return this.#streams.size;
  }

  /** Measures and sends. Called each second while somebody listens. */
  tick(): void {
    const meter = this.#meter;
    if (meter === undefined) return;
    meter.tick();
    const rendered = new Map<string, Uint8Array>();
    for (const stream of this.#streams) this.#serve(stream, (topics) => this.#render(stream, topics, rendered));
  }

  /** Ends all streams. */
  close(): void {
    for (const stream of this.#streams) this.#end(stream);
  }

  #add(stream: Stream): void {
    this.#streams.add(stream);
    this.#meter ??= this.#options.makeMeter();
    this.#timer ??= setInterval(() => this.tick(), tickMs);
    // Clients come back after three seconds when the connection is lost.
    stream.controller.enqueue(encoder.encode("retry: 3000\n\n"));
    stream.controller.enqueue(this.#render(stream, stream.topics, new Map()));
  }

  #remove(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#meter = undefined;
  }

  #end(stream: Stream): void {
    this.#remove(stream);
    stream.controller.close();
  }

  #serve(stream: Stream, render: (topics: readonly LiveTopic[]) => Uint8Array): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - stream.checkedAtMs >= heartbeatMs) {
      stream.checkedAtMs = nowMs;
      const end = () => this.#streams.has(stream) && this.#end(stream);
      stream.mayGoOn().then((may) => may || end(), end);
    }
    if ((stream.controller.desiredSize ?? 0) > 0) {
      stream.takenAtMs = nowMs;
      stream.controller.enqueue(render(stream.topics));
    } else if (nowMs - stream.takenAtMs >= stalledMs) this.#end(stream);
  }

  /** The snapshot of these topics; streams that are about the same share it. */
  #render({ tenantId }: Stream, topics: readonly LiveTopic[], rendered: Map<string, Uint8Array>): Uint8Array {
    const name = `${tenantId ?? ""} ${topics.join()}`;
    const known = rendered.get(name);
    if (known !== undefined) return known;
    const atMs = this.#options.clock.nowMs();
    const time = new Date(atMs).toISOString();
    const events = topics.map((topic) => {
      const data = JSON.stringify({ time, ...this.#meter?.read(topic, tenantId) });
      return `event: ${topic}\nid: ${atMs}\ndata: ${data}\n\n`;
    });
    const bytes = encoder.encode(events.join(""));
    rendered.set(name, bytes);
    return bytes;
  }
}
