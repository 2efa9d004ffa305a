import type { ControlDatabase } from "../database/control-database.ts";
import { findAccountById } from "./account-store.ts";
import { findSubject } from "./failure-store.ts";
import type { RequestSource } from "./log-in-audit.ts";
import type { Proofs } from "./proofs.ts";

/** A code that a user gives outside of a log-in. */
export interface CodeToCheck {
  readonly userId: string;
  /** Six digits of the authenticator app. */
  readonly code: string;
  readonly from: RequestSource;
  /** The policy action it is given for. */
  readonly action: string;
}

/** Second factors for who is known already by another credential: failures count and lock as those of a log-in do. */
export class SecondFactors {
  readonly #database: ControlDatabase;
  readonly #proofs: Proofs;

  constructor({ database, proofs }: { readonly database: ControlDatabase; readonly proofs: Proofs }) {
    this.#database = database;
    this.#proofs = proofs;
  }

  /** Uses a code up. @returns false when it is wrong or used before, the user is locked, or has no second factor */
  verify({ userId, code, from, action }: CodeToCheck): Promise<boolean> {
    return this.#database.transaction(async (queries) => {
      const account = await findAccountById(queries, userId);
      const subject = await findSubject(queries, account?.userId, from.address);
      if (account !== undefined && !(await this.#proofs.isLocked(queries, subject))) {
        const method = await this.#proofs.takeCode(queries, account, { kind: "totp", code });
        if (method !== undefined) return true;
      }
      await this.#proofs.fail(queries, account, { subject, from, action });
      return false;
    });
  }
}
