/** Who makes a control request, as the guard found out. */
export interface Caller {
  readonly userId: string;
  readonly userName: string;
  readonly tenantId: string;
  /** A global administrator: actions of scope G need this and a policy. */
  readonly global: boolean;
  readonly via: "console" | "token" | "basic";
  readonly sessionId?: string;
  readonly tokenId?: string;
  /** Of a call with an access key. */
  readonly accessKeyId?: string;
  /** Texts of the policies that narrow the credential, each of which must allow, whatever its user may do; empty: nothing does. */
  readonly narrowing: readonly string[];
  readonly mfa: boolean;
  /** When the second factor was last proved, ms since 1970; absent without one. */
  readonly mfaAtMs?: number;
  /** The request came over TLS: a trusted proxy says so. */
  readonly secure: boolean;
  /** Password, TOTP or passkey within the last 10 minutes. */
  readonly freshProof: boolean;
  readonly address: string;
  readonly agent: string;
  readonly requestId: string;
}
