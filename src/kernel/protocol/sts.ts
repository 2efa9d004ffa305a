import type { SessionContent } from "../sts/session-content.ts";
import type { StsErrorCode } from "../sts/sts-error.ts";
import type { IdentityTag } from "./identities.ts";

/** A key that seals session tokens. Random; it serves nothing else. */
export interface TokenKeyEntry {
  /** 8 hex digits: the 4 bytes that tokens begin with. */
  readonly keyId: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** Sessions that are refused: one, or all that came from a principal before a time. */
export interface RevocationEntry {
  /** The access key id of one session, or the unique id of a user or role. */
  readonly revocationId: string;
  /** Sessions issued earlier are refused, ms since 1970. */
  readonly beforeMs: number;
}

/** Session policies of one call: they count together. */
export interface SessionPolicies {
  readonly text: string | undefined;
  /** ARNs of managed policies. */
  readonly arns: readonly string[];
}

/** Temporary credentials that a client asks for, as far as the form alone can be judged. */
export type SessionOrder =
  | {
      readonly kind: "assumeRole";
      readonly roleArn: string;
      readonly sessionName: string;
      /** Undefined: the default. */
      readonly durationSeconds: number | undefined;
      readonly policies: SessionPolicies;
      readonly tags: readonly IdentityTag[];
      readonly transitiveTagKeys: readonly string[];
      readonly externalId: string | undefined;
      readonly sourceIdentity: string | undefined;
      readonly mfa: MfaProof | undefined;
    }
  | {
      readonly kind: "getSessionToken";
      readonly durationSeconds: number | undefined;
      readonly mfa: MfaProof | undefined;
    };

/** A code of a second factor. */
export interface MfaProof {
  /** Serial number or ARN of the device. */
  readonly serialNumber: string;
  /** Six digits. */
  readonly code: string;
}

/** The credential that signed, as the worker verified it: a stored access key, or a session with what its token says. */
export interface SigningCredential {
  readonly accessKeyId: string;
  readonly session: SessionContent | undefined;
}

/** Temporary credentials, or why there are none. */
export type SessionAnswer =
  | {
      readonly kind: "issued";
      readonly accessKeyId: string;
      readonly secretKey: string;
      readonly sessionToken: string;
      readonly expiresAtMs: number;
      /** Of an assumed role. */
      readonly assumed: { readonly arn: string; readonly id: string } | undefined;
      readonly sourceIdentity: string | undefined;
      /** How much of the room for policies and tags is used, percent; undefined without any. */
      readonly packedPercent: number | undefined;
    }
  | { readonly kind: "refused"; readonly code: StsErrorCode; readonly message: string };
