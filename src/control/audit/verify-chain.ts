import { chainHash, genesisHash, type StoredRecord } from "./audit-record.ts";
import { type AuditMark, type AuditPublicKey, isMarkGenuine } from "./audit-signer.ts";
import type { ChainHead } from "./audit-store.ts";
import { canonicalJson } from "./canonical-json.ts";

/** The first thing that is wrong with a chain. */
export interface ChainProblem {
  /** Place of the first event that is wrong or missing. */
  readonly seq: number;
  /** Its id, when there is one. */
  readonly eventId?: string;
  readonly reason: string;
}

/** What verifying a chain found. */
export interface ChainReport {
  readonly chain: string;
  /** Events that were looked at, up to the first problem. */
  readonly eventCount: number;
  /** Place of the last event that is right; 0 when there is none. */
  readonly lastSeq: number;
  /** Up to here a signature vouches for the chain; 0 when none does. */
  readonly signedSeq: number;
  readonly problem?: ChainProblem;
}

/** What a chain is verified against. */
export interface ChainEvidence {
  readonly chain: string;
  readonly marks: readonly AuditMark[];
  readonly keys: readonly AuditPublicKey[];
}

/** Goes along a chain, event by event, and remembers the first problem. */
export class ChainVerifier {
  readonly #evidence: ChainEvidence;
  readonly #heads = new Map<number, AuditMark>();
  #seq = 0;
  #hash: string;
  #eventCount = 0;
  #signedSeq = 0;
  #problem: ChainProblem | undefined;
  readonly #markProblem: ChainProblem | undefined;

  constructor(evidence: ChainEvidence) {
    this.#evidence = evidence;
    this.#hash = genesisHash(evidence.chain);
    const isGenuine = (mark: AuditMark) => mark.chain === evidence.chain && isMarkGenuine(mark, evidence.keys);
    const forged = evidence.marks.find((mark) => !isGenuine(mark));
    this.#markProblem = forged && {
      seq: forged.seq,
      reason: `The signature of the ${forged.kind} at this place is not genuine`,
    };
    for (const mark of evidence.marks.filter(isGenuine)) {
      if (mark.kind === "head") this.#heads.set(mark.seq, mark);
      else if (mark.seq > this.#seq) this.#beginAfter(mark);
    }
  }

  /** The next event in the order of the chain. */
  add(record: StoredRecord): void {
    if (this.#problem) return;
    const { seq, eventId, hash } = record;
    const problem = this.#judgePlace(seq) ?? this.#judge(record);
    if (problem !== undefined) {
      const at = Math.min(seq, this.#seq + 1);
      this.#fail({ seq: at, ...(at === seq && { eventId }), reason: problem });
      return;
    }
    this.#eventCount++;
    this.#seq = seq;
    this.#hash = hash;
    if (this.#heads.has(seq)) this.#signedSeq = seq;
  }

  /** @param head where the chain says that it ends; absent for an export. */
  finish(head?: ChainHead): ChainReport {
    const signed = Math.max(0, ...this.#heads.keys());
    const next = this.#seq + 1;
    if (signed > this.#seq) {
      this.#fail({
        seq: next,
        reason: `Events ${next} to ${signed} are missing: a signed head names the last of them`,
      });
    } else if (head !== undefined && (head.seq !== this.#seq || head.hash !== this.#hash)) {
      this.#fail({ seq: next, reason: `The chain ends at ${this.#seq}, and should at ${head.seq}` });
    }
    if (this.#markProblem) this.#fail(this.#markProblem);
    return {
      chain: this.#evidence.chain,
      eventCount: this.#eventCount,
      lastSeq: this.#seq,
      signedSeq: this.#signedSeq,
      ...(this.#problem && { problem: this.#problem }),
    };
  }

  #beginAfter({ seq, hash }: AuditMark): void {
    this.#seq = seq;
    this.#hash = hash;
    this.#signedSeq = seq;
  }

  #judgePlace(seq: number): string | undefined {
    const wanted = this.#seq + 1;
    if (seq > wanted) return `Events ${wanted} to ${seq - 1} are missing`;
    return seq < wanted ? "An event stands at a place that was taken or dropped" : undefined;
  }

  #judge({ chain, seq, eventId, body, prevHash, hash }: StoredRecord): string | undefined {
    const inside = readPlace(body);
    if (inside === undefined) return "The event is not the text that was hashed";
    if (inside.chain !== chain || inside.seq !== seq || inside.id !== eventId || chain !== this.#evidence.chain) {
      return "The event was moved here from another place";
    }
    if (prevHash !== this.#hash) return "The event does not follow the one before it";
    if (chainHash(prevHash, body) !== hash) return "The event was changed: its hash is another one";
    const mark = this.#heads.get(seq);
    if (mark !== undefined && mark.hash !== hash) return "The event is not the one whose hash was signed";
    return undefined;
  }

  #fail(problem: ChainProblem): void {
    if (this.#problem === undefined || problem.seq < this.#problem.seq) this.#problem = problem;
  }
}

/** Where an event says that it belongs; undefined when its text is no canonical JSON object. */
function readPlace(body: string): { chain: unknown; seq: unknown; id: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== "object" || value === null || canonicalJson(value) !== body) return undefined;
    return {
      chain: "chain" in value ? value.chain : undefined,
      seq: "seq" in value ? value.seq : undefined,
      id: "id" in value ? value.id : undefined,
    };
  } catch {
    return undefined;
  }
}
