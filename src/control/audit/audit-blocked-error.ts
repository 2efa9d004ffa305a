import { ControlError } from "../http/control-error.ts";

/** A chain that cannot go on: where it says that it ends, and the first event that stands there already. */
export interface BlockedChain {
  readonly chain: string;
  /** Where `audit_chains` says that the chain ends. */
  readonly seq: number;
  /** Place of an event behind that. */
  readonly takenSeq: number;
}

/** An event has no place in its chain, so that what it tells of must not happen either. */
export class AuditBlockedError extends ControlError {
  readonly blocked: BlockedChain;

  constructor(blocked: BlockedChain) {
    super("Unavailable", "The audit cannot be written, and without it nothing is changed: the server's log says more");
    this.blocked = blocked;
  }
}

/** What is wrong with chains that cannot go on and what helps, for the operator. */
export function describeBlocked(blocked: readonly BlockedChain[]): string {
  const places = blocked.map(
    ({ chain, seq, takenSeq }) => `chain ${chain} ends at ${seq} and has an event ${takenSeq}`,
  );
  return `The audit cannot go on (${places.join("; ")}): control.db was restored in part, or changed by hand. No change of what the chain is about is made until the server is stopped and all of control.db is restored from one backup, with its own -wal beside it or none; \`maxiofs audit verify\` then says whether it is whole`;
}
