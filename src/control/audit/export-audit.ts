import { createHash } from "node:crypto";
import { type AuditFilter, compileFilter } from "./audit-filter.ts";
import type { AuditPublicKey, AuditSigner } from "./audit-signer.ts";
import type { AuditReader } from "./audit-store.ts";
import { canonicalJson } from "./canonical-json.ts";
import { readChainState, type ShownRecord, showRecord, streamChain } from "./read-audit.ts";

/** What an export is made of. */
export interface AuditExport {
  readonly database: AuditReader;
  readonly signer: AuditSigner;
  readonly keys: readonly AuditPublicKey[];
  readonly chains: readonly string[];
  readonly filter: AuditFilter;
  /** Of the export, RFC 3339. */
  readonly time: string;
}

/** Format of the export; it changes when an older release could not verify it. */
export const exportVersion = 1;

/** What the last line signs, so that no line before it can be changed, moved or left out. */
export function renderExportSignature(lineCount: number, sha256: string): string {
  return canonicalJson(["maxiofs/audit-export/1", lineCount, sha256]);
}

/**
 * JSON Lines: a head with the public keys, the signed marks, the events of each chain in its order, a signature over all
 * lines. `maxiofs audit verify FILE` checks it anywhere.
 */
export async function* exportJsonLines(source: AuditExport): AsyncGenerator<string> {
  const { signer, keys, chains, filter, time } = source;
  const digest = createHash("sha256");
  let lineCount = 0;
  const render = (value: unknown): string => {
    const line = `${canonicalJson(value)}\n`;
    digest.update(line);
    lineCount++;
    return line;
  };
  yield render({ kind: "auditExport", version: exportVersion, time, chains, filter, keys });
  for await (const item of streamItems(source)) yield render(item);
  const sha256 = digest.digest("hex");
  const signature = signer.sign(renderExportSignature(lineCount, sha256));
  yield `${canonicalJson({ kind: "signature", keyId: signer.keyId, lineCount, sha256, signature })}\n`;
}

/** The columns of a table of events. */
const columns: Readonly<Record<string, (record: ShownRecord) => string | number | boolean | undefined>> = {
  time: ({ time }) => time,
  chain: ({ chain }) => chain,
  seq: ({ seq }) => seq,
  id: ({ id }) => id,
  tenantId: ({ tenantId }) => tenantId ?? undefined,
  actorKind: ({ actor }) => actor.kind,
  actorId: ({ actor }) => actor.id,
  actorName: ({ actor }) => actor.name,
  accessKeyId: ({ actor }) => actor.accessKeyId,
  sessionId: ({ actor }) => actor.sessionId,
  mfa: ({ actor }) => actor.mfa,
  action: ({ action }) => action,
  resourceKind: ({ resource }) => resource?.kind,
  resourceId: ({ resource }) => resource?.id,
  resourceName: ({ resource }) => resource?.name,
  resourceArn: ({ resource }) => resource?.arn,
  outcome: ({ outcome }) => outcome,
  code: ({ code }) => code,
  requestId: ({ requestId }) => requestId,
  address: ({ address }) => address,
  agent: ({ agent }) => agent,
  via: ({ via }) => via,
  count: ({ count }) => count,
  change: ({ change }) => (change === undefined ? undefined : canonicalJson(change)),
  prevHash: ({ prevHash }) => prevHash,
  hash: ({ hash }) => hash,
};

/** CSV with a line of names, CRLF at the ends of lines. Source: RFC 4180. */
export async function* exportCsv(source: AuditExport): AsyncGenerator<string> {
  yield `${Object.keys(columns).join(",")}\r\n`;
  for await (const item of streamItems(source)) {
    if ("kind" in item) continue;
    const cells = Object.values(columns).map((read) => renderCell(read(item) ?? ""));
    yield `${cells.join(",")}\r\n`;
  }
}

/** A cell in quotes where it needs them; spreadsheets would run what begins like a formula: it gets an apostrophe. */
export function renderCell(value: string | number | boolean): string {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

type ExportedMark = { readonly kind: "mark"; readonly mark: object };

/** Of each chain its marks, then the events that match, up to where the chain ended when its turn came. */
async function* streamItems(source: AuditExport): AsyncGenerator<ShownRecord | ExportedMark> {
  const { database, chains, filter } = source;
  const matches = compileFilter(filter);
  for (const chain of chains) {
    const { head, marks } = await readChainState(database, chain);
    for (const mark of marks) yield { kind: "mark", mark };
    for await (const row of streamChain(database, chain, head?.seq ?? 0)) {
      const shown = showRecord(row);
      if (matches(shown)) yield shown;
    }
  }
}
