import { createHash } from "node:crypto";
import { chainHash, type StoredRecord } from "./audit-record.ts";
import { type AuditMark, type AuditPublicKey, isAuditMark, isSignedBy, keyIdOf } from "./audit-signer.ts";
import { canonicalJson } from "./canonical-json.ts";
import { exportVersion, renderExportSignature } from "./export-audit.ts";
import { type ChainReport, ChainVerifier } from "./verify-chain.ts";

/** What verifying an export found. */
export interface ExportReport {
  /** Of each chain, in the order of the file. Events that a filter left out are no gaps. */
  readonly chains: readonly ChainReport[];
  /** Ids of the keys whose signatures were believed. */
  readonly keyIds: readonly string[];
  /** What is wrong with the file as a whole: its head, its signature, a line that is none. */
  readonly problem?: string;
}

/** Longest line, UTF-16 units; an event has far less. */
const maxLineLength = 2 ** 20;

/**
 * Verifies an export in JSON Lines.
 * @param lines of the file, without line feeds
 * @param trusted the keys to believe; those that the file brings along when absent: compare their ids then
 */
export async function verifyExport(
  lines: AsyncIterable<string>,
  trusted?: readonly AuditPublicKey[],
): Promise<ExportReport> {
  const reader = new ExportReader(trusted);
  for await (const line of lines) reader.add(line);
  return reader.finish();
}

interface OpenChain {
  readonly chain: string;
  readonly marks: AuditMark[];
  verifier: ChainVerifier | undefined;
}

class ExportReader {
  readonly #trusted: readonly AuditPublicKey[] | undefined;
  readonly #digest = createHash("sha256");
  readonly #reports: ChainReport[] = [];
  #keys: readonly AuditPublicKey[] = [];
  #isFiltered = false;
  #lineCount = 0;
  #isSigned = false;
  #open: OpenChain | undefined;
  #problem: string | undefined;

  constructor(trusted: readonly AuditPublicKey[] | undefined) {
    this.#trusted = trusted;
  }

  add(line: string): void {
    if (this.#problem !== undefined || line === "") return;
    const value = parseLine(line);
    const number = this.#lineCount + 1;
    if (value === undefined) this.#problem = `Line ${number} is no line of an export`;
    else if (this.#isSigned) this.#problem = `Line ${number} stands behind the signature`;
    else if (number === 1) this.#readHead(value);
    else if (value["kind"] === "signature") this.#readSignature(value);
    else if (value["kind"] === "mark") this.#readMark(value["mark"]);
    else this.#readEvent(value);
    this.#digest.update(`${line}\n`);
    this.#lineCount = number;
  }

  finish(): ExportReport {
    this.#closeChain();
    if (!this.#isSigned) this.#problem ??= "The signature at the end is missing: lines were cut off";
    const keyIds = this.#keys.map(({ keyId }) => keyId);
    return { chains: this.#reports, keyIds, ...(this.#problem !== undefined && { problem: this.#problem }) };
  }

  #readHead(value: Line): void {
    const { kind, version, filter, keys } = value;
    if (kind !== "auditExport" || version !== exportVersion || !Array.isArray(keys) || !keys.every(isLine)) {
      this.#problem = `This is no audit export of version ${exportVersion}`;
      return;
    }
    this.#isFiltered = canonicalJson(filter) !== "{}";
    const brought = keys.map(({ publicKey }) => ({ keyId: keyIdOf(String(publicKey)), publicKey: String(publicKey) }));
    this.#keys = this.#trusted ?? brought;
  }

  #readSignature({ keyId, lineCount, sha256, signature }: Line): void {
    this.#isSigned = true;
    const text = renderExportSignature(this.#lineCount, this.#digest.copy().digest("hex"));
    const isRight = isSignedBy(this.#keys, String(keyId), { text, signature: String(signature) });
    if (isRight && lineCount === this.#lineCount && sha256 !== undefined) return;
    this.#problem = "The signature over the lines is not genuine: lines were changed, added, moved or left out";
  }

  #readMark(value: unknown): void {
    if (isAuditMark(value)) this.#chainOf(value.chain).marks.push(value);
    else this.#problem = `Line ${this.#lineCount + 1} is no line of an export`;
  }

  #readEvent({ prevHash, hash, ...record }: Line): void {
    const body = canonicalJson(record);
    const { chain, seq, id } = record;
    const stored: StoredRecord = {
      ...{ chain: String(chain), seq: Number(seq), eventId: String(id), body },
      ...{ prevHash: String(prevHash), hash: String(hash) },
    };
    const open = this.#chainOf(stored.chain);
    if (!this.#isFiltered) {
      open.verifier ??= new ChainVerifier({ chain: open.chain, marks: open.marks, keys: this.#keys });
      open.verifier.add(stored);
    } else if (chainHash(stored.prevHash, body) !== stored.hash) {
      this.#problem ??= `Event ${stored.eventId} was changed: its hash is another one`;
    }
  }

  #chainOf(chain: string): OpenChain {
    if (this.#open?.chain !== chain) {
      this.#closeChain();
      this.#open = { chain, marks: [], verifier: undefined };
    }
    return this.#open;
  }

  #closeChain(): void {
    if (this.#open !== undefined && !this.#isFiltered) {
      const { chain, marks, verifier } = this.#open;
      this.#reports.push((verifier ?? new ChainVerifier({ chain, marks, keys: this.#keys })).finish());
    }
    this.#open = undefined;
  }
}

type Line = Readonly<Record<string, unknown>>;

function parseLine(line: string): Line | undefined {
  if (line.length > maxLineLength) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isLine(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isLine(value: unknown): value is Line {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
