import type { CredentialLink } from "../policy/credential-link.ts";
import type { IdentityTag } from "../protocol/identities.ts";

/** What a session token says: who the session is of, and what narrows it. Times are ms since 1970. */
export interface SessionContent {
  readonly tenantId: string;
  /** `AIDA...`: a user's own session, or of another tenant a global administrator who entered; `AROA...`: an assumed role. */
  readonly principalId: string;
  /** Of an assumed role, and the name of who entered; empty else. */
  readonly sessionName: string;
  readonly sourceIdentity: string | null;
  readonly issuedAtMs: number;
  /** First ms at which it is refused. */
  readonly expiresAtMs: number;
  /** When a code of a second factor was given for it; null: never. */
  readonly mfaAtMs: number | null;
  /** Session tags, those inherited included. */
  readonly tags: readonly IdentityTag[];
  /** Keys of tags that sessions made by this one inherit. */
  readonly transitiveTagKeys: readonly string[];
  /** Each must allow. */
  readonly chain: readonly CredentialLink[];
  /**
   * What it came from: the id of the user whose access key began it, then of each role and session on the way. It ends when one of
   * them is suspended, deleted or revoked.
   */
  readonly lineage: readonly string[];
  /** The access key that began it: its bounds on requests and bytes hold for the session too. Absent when none did. */
  readonly keyId?: string;
}
