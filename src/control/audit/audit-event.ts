import type { ControlQueries } from "../database/control-database.ts";

/** One thing that was done or tried. Source of the fields: identity page, section 9. */
export interface AuditEvent {
  /** Tenant whose chain it belongs to; null for the server's. */
  readonly tenantId: string | null;
  readonly actor: {
    readonly kind: "user" | "root" | "anonymous" | "system" | "commandLine";
    readonly id: string;
    readonly name: string;
    readonly accessKeyId?: string;
    readonly sessionId?: string;
    readonly mfa?: boolean;
  };
  /** The policy action, or `auth:Login` and the like. */
  readonly action: string;
  readonly resource?: { readonly kind: string; readonly id: string; readonly name?: string; readonly arn?: string };
  readonly outcome: "success" | "denied" | "error";
  readonly code?: string;
  readonly requestId?: string;
  readonly address?: string;
  readonly agent?: string;
  readonly via: "s3" | "console" | "token" | "api" | "commandLine" | "system";
  /** Before and after; secrets never, not even masked values of theirs. */
  readonly change?: Readonly<Record<string, { readonly before?: unknown; readonly after?: unknown }>>;
}

/** Writes the event inside the transaction of the change it tells of. */
export type RecordAudit = (queries: ControlQueries, event: AuditEvent) => Promise<void>;
