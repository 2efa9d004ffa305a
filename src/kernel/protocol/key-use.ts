/** The last time an access key was used, as far as the sender knows. */
export interface KeyUse {
  readonly accessKeyId: string;
  /** `service:operation`, such as `s3:PutObject` or `sts:AssumeRole`. */
  readonly operation: string;
  /** Milliseconds since 1970. */
  readonly usedAtMs: number;
}
