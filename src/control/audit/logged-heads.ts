import { type AuditMark, isAuditMark } from "./audit-signer.ts";

/** Message of the log's line about a signed head; its fields are the mark's. */
export const headSignedMessage = "Audit head signed";

/** The signed head that a line of the log tells of; undefined for any other line. */
export function parseLoggedHead(line: string): AuditMark | undefined {
  if (!line.includes(headSignedMessage)) return undefined;
  try {
    const { message, chain, seq, hash, timeMs, keyId, signature } = JSON.parse(line.slice(line.indexOf("{")));
    const mark: unknown = { chain, kind: "head", seq, hash, timeMs, keyId, signature };
    return message === headSignedMessage && isAuditMark(mark) ? mark : undefined;
  } catch {
    return undefined;
  }
}
