import type { Explanation } from "../policy/explain-access.ts";

/** Who was refused, as far as it is known. */
export interface DeniedCaller {
  /** `anonymous`, or the ARN of the user or session. */
  readonly arn: string;
  /** Null for anonymous callers. */
  readonly tenantId: string | null;
  /** Null for anonymous callers. */
  readonly accessKeyId: string | null;
}

/** How one refusal came about. Holds no signature and no key of a customer. */
export interface DenialRecord {
  readonly requestId: string;
  /** ms since 1970. */
  readonly timeMs: number;
  /** S3's name of the operation. */
  readonly operation: string;
  readonly action: string;
  /** ARN of the bucket, object or role; `*` for S3 as a whole. */
  readonly resource: string;
  /** Owner of the resource; the caller's tenant where the resource has none; null for anonymous callers there. */
  readonly tenantId: string | null;
  readonly caller: DeniedCaller;
  /** What refused it whatever policies say; null when they did. */
  readonly reason: string | null;
  readonly explanation: Explanation;
  /** Statements about the action that are not in the explanation, because there are too many. */
  readonly omittedStatementCount: number;
  /** Values of condition keys; long ones are cut. */
  readonly context: Readonly<Record<string, string | readonly string[]>>;
}

/** What the server computed a signature over that was not the client's. Secrets in it are replaced by digests. */
export interface SignatureRecord {
  readonly requestId: string;
  /** ms since 1970. */
  readonly timeMs: number;
  readonly accessKeyId: string;
  /** The key's tenant; null when it is not known. */
  readonly tenantId: string | null;
  /** Null for SigV2, which has none. */
  readonly canonicalRequest: string | null;
  readonly stringToSign: string;
}

/** Records that workers keep for a while, by kind. */
export interface KeptRecords {
  readonly denials: DenialRecord;
  readonly signatures: SignatureRecord;
}

/** What a worker may be asked for. */
export type KeptKind = keyof KeptRecords;

/** What was kept of one request; a request can be refused several things. */
export type KeptAnswer = { readonly [Kind in KeptKind]?: readonly KeptRecords[Kind][] };

/** Equal denials of S3 requests for the audit: the same principal, action and bucket. */
export interface ReportedDenial {
  /** Owner of the resource; the caller's tenant where the resource has none; null for anonymous callers there. */
  readonly tenantId: string | null;
  /** Null for anonymous callers. */
  readonly actor: { readonly id: string; readonly name: string; readonly accessKeyId: string } | null;
  readonly action: string;
  /** Null for S3 as a whole, and for a bucket that is to be made. */
  readonly bucket: { readonly bucketId: string; readonly name: string } | null;
  /** Of the first of them, as are address and agent. */
  readonly requestId: string;
  readonly address: string;
  readonly agent: string;
  /** 1 at least. */
  readonly count: number;
}
