import type { Exchange } from "./exchange.ts";
import type { ResponseParser } from "./response-parser.ts";

/** Decides what each connection sends next and judges the answers beyond status, body and ETag. */
export interface Workload {
  /** Signs what can be signed in advance, outside the timed window. @returns false when the work is all done */
  prepare(): boolean;
  /** Fills the exchange for its next request. @returns false when this connection has nothing more to send in this window */
  next(exchange: Exchange): boolean;
  /** Called with each complete answer that passed the common checks. @returns a problem, or an empty text */
  settle(exchange: Exchange, response: ResponseParser): string;
  /** Called instead of `settle` when the exchange failed, so that bookkeeping stays right. */
  fail(exchange: Exchange): void;
}
