import { errorCodes, type S3ErrorCode } from "./error-code.ts";

/** What may accompany an error: `message` replaces the table's, `fields` are extra elements, `headers` extra response headers. */
export interface S3ErrorDetail {
  readonly message?: string;
  readonly fields?: Readonly<Record<string, string | number>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * An expected failure of an S3 request. Rendered in one place (`data/http/render-error.ts`).
 * Neither message nor fields may hold a secret or a path of the host.
 */
export class S3Error extends Error {
  override readonly name = "S3Error";
  readonly code: S3ErrorCode;
  /** HTTP status, from the table. */
  readonly status: number;
  readonly fields: Readonly<Record<string, string | number>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: S3ErrorCode, detail: S3ErrorDetail = {}) {
    super(detail.message ?? errorCodes[code][1]);
    this.code = code;
    this.status = errorCodes[code][0];
    this.fields = detail.fields ?? {};
    this.headers = detail.headers ?? {};
  }
}
