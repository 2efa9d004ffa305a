import type { HeaderLookup } from "../s3/header-lookup.ts";
import type { CredentialScope } from "./credential-scope.ts";
import type { PayloadMode } from "./payload-mode.ts";

/** The parts of a request that its signature covers, as they came over the wire. */
export interface RequestToAuthenticate {
  readonly method: string;
  /** Request target up to `?`, not decoded. */
  readonly rawPath: string;
  /** Request target after `?`, not decoded; empty when there is none. */
  readonly rawQuery: string;
  /** Lower-case names; values are latin1 strings of the raw bytes (as `node:http` gives them). */
  readonly headers: HeaderLookup;
  /** Flat list of name, value, name, value: consulted for names and for repeated headers. */
  readonly rawHeaders: readonly string[];
  /** Bucket taken from the Host header; SigV2 prefixes the path with it. Absent for path style. */
  readonly virtualHostBucket?: string;
  /**
   * SHA-256 (64 lower-case hex) of a small body read beforehand. STS and IAM clients send no `x-amz-content-sha256`
   * and sign this digest instead; absent for S3 requests.
   */
  readonly bodySha256?: string;
}

/** What the server knows and allows when it verifies a request. */
export interface AuthenticationOptions {
  /**
   * Secret of an enabled access key; `undefined` for an unknown, deleted, expired or disabled one, and for a temporary
   * key without its token. The token is passed on because a temporary key's secret is derived from what the token names.
   */
  readonly findKey: (
    accessKeyId: string,
    securityToken: string | undefined,
  ) => { readonly secretKey: string } | undefined;
  /** Milliseconds since 1970, UTC. */
  readonly nowMs: number;
  readonly signatureV2: "off" | "presigned" | "all";
  readonly region: string;
  /** Refuse credential scopes of any other region. */
  readonly strictRegion: boolean;
  /** Services a credential scope may name; `["s3"]` when absent. */
  readonly services?: readonly string[];
}

/** Start of a chain of chunk signatures: what the request's own signature was made with. */
export interface ChunkSeed {
  /** 32 bytes. */
  readonly signingKey: Uint8Array;
  readonly scope: CredentialScope;
  /** `yyyymmddThhmmssZ`, as signed. */
  readonly timestamp: string;
  /** The request's signature, 64 lower-case hex. */
  readonly signature: string;
}

/** A request without any carrier of a signature. Chunk signatures cannot be part of it. */
export interface AnonymousRequest {
  readonly kind: "anonymous";
  readonly payload: PayloadMode;
}

/** A request whose signature was verified. Its body was not looked at yet: `payload` says how to. */
export interface SignedRequest {
  readonly kind: "signed";
  readonly carrier: "header" | "query";
  readonly version: "v4" | "v2";
  readonly accessKeyId: string;
  /** Opaque and not verified here: the caller checks that it belongs to the key. */
  readonly securityToken?: string;
  readonly payload: PayloadMode;
  /** When the client says it signed, ms since 1970; the time of verification for SigV2 URLs, which do not tell. */
  readonly signedAtMs: number;
  /** First ms at which a presigned URL is no longer valid. */
  readonly expiresAtMs?: number;
  /** Lower-case names and latin1 values of headers that came as signed query parameters. Empty for header carriers. */
  readonly hoistedHeaders: Readonly<Record<string, string>>;
  /** Only with SigV4. */
  readonly seed?: ChunkSeed;
}

/** Outcome of verifying a request; failures are thrown. */
export type Authentication = AnonymousRequest | SignedRequest;
