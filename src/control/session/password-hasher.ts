import { ControlError } from "../http/control-error.ts";

/** What one hash costs. */
export interface PasswordCost {
  readonly memoryKiB: number;
  readonly timeCost: number;
}

/** Source: OWASP Password Storage Cheat Sheet, argon2id with 46 MiB. */
export const standardPasswordCost: PasswordCost = { memoryKiB: 47_104, timeCost: 2 };

/** Hashes computed at a time. */
export const maxRunningHashes = 2;
/** Hashes that wait for their turn; a further one is refused. */
export const maxWaitingHashes = 32;

/**
 * Hashes passwords with argon2id, a few at a time: each takes much memory and time, and anybody may ask for one.
 * Source: RFC 9106.
 */
export class PasswordHasher {
  /** Of no known password: it costs what those of users do. */
  readonly dummyHash: string;
  readonly #cost: PasswordCost;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(cost: PasswordCost = standardPasswordCost) {
    this.#cost = cost;
    this.dummyHash = `$argon2id$v=19$m=${cost.memoryKiB},t=${cost.timeCost},p=1$${"A".repeat(43)}$${"B".repeat(42)}A`;
  }

  /** The hash in PHC text form. @throws ControlError Unavailable when too many wait. */
  hash(password: string): Promise<string> {
    const { memoryKiB: memoryCost, timeCost } = this.#cost;
    return this.#run(() => Bun.password.hash(normalize(password), { algorithm: "argon2id", memoryCost, timeCost }));
  }

  /**
   * Whether the hash is the password's. Without a hash it does the same work and says no.
   * @throws ControlError Unavailable when too many wait.
   */
  verify(password: string, hash: string | undefined): Promise<boolean> {
    return this.#run(async () => {
      const isRight = await Bun.password.verify(normalize(password), hash ?? this.dummyHash).catch(() => false);
      return isRight && hash !== undefined;
    });
  }

  /** Whether the hash cost less than one made now. */
  isWeak(hash: string): boolean {
    const [, memory, time] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),/.exec(hash) ?? [];
    return !(Number(memory) >= this.#cost.memoryKiB && Number(time) >= this.#cost.timeCost);
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= maxRunningHashes) {
      if (this.#waiting.length >= maxWaitingHashes) throw new ControlError("Unavailable", "Too many log-ins at once");
      // Who ends hands its place over, so that nobody slips in between.
      await new Promise<void>((go) => this.#waiting.push(go));
    } else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}

/** One form for all the ways to type the same characters. An empty password is none, and the platform refuses to hash it. */
function normalize(password: string): string {
  return password.normalize("NFKC") || "\0";
}
