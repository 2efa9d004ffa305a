import { type ControlReader, readControlDatabase } from "../database/read-control-database.ts";
import { readFileLines } from "../database/read-file-lines.ts";
import type { AuditMark } from "./audit-signer.ts";
import { readChainNames, readKeys, readMarks } from "./audit-store.ts";
import {
  type DataEventEvidence,
  type DataEventReport,
  dataEventsChain,
  verifyDataEventFiles,
} from "./data-event-files.ts";
import { parseLoggedHead } from "./logged-heads.ts";
import { verifyChains } from "./read-audit.ts";
import type { ChainReport } from "./verify-chain.ts";
import { verifyExport } from "./verify-export.ts";

/** What `maxiofs audit verify` verifies, and where it tells of it. */
export interface VerifyCommand {
  /** Absolute. */
  readonly dataDir: string;
  /** An export in JSON Lines, or a log of the server; the data folder itself when absent. */
  readonly exportPath?: string;
  readonly report: (line: string) => void;
}

/** Exit codes of the command. */
const codes = { sound: 0, problemsFound: 1, notChecked: 2 } as const;

/**
 * Verifies the recorded events of a data folder, beside a running server or without one, or an export of them. An export is
 * verified with the keys of the data folder, or where there is none with those that it brings along.
 * @returns 0 when everything is right, 1 when something is wrong, 2 when there is nothing to verify
 * @throws the error of the system when the file cannot be read
 */
export async function verifyAudit({ dataDir, exportPath, report }: VerifyCommand): Promise<number> {
  const database = readControlDatabase(dataDir);
  try {
    const source = database && (await hasEvents(database)) ? database : undefined;
    if (exportPath !== undefined) return await verifyFile({ dataDir, exportPath, report }, source);
    const requests = await verifyDataEventFiles(dataDir, source && (await readDataEvidence(source)));
    if (source !== undefined) return Math.max(await verifyDatabase(source, report), tellRequests(requests, report));
    const hint = database === undefined ? "there is no control.db in it" : "a release wrote it that recorded no events";
    const requestsCode = tellRequests(requests, report);
    report(`There ${requests ? "is nothing else" : "is nothing"} to verify in ${dataDir}: ${hint}`);
    return requestsCode === codes.sound ? codes.notChecked : requestsCode;
  } finally {
    database?.close();
  }
}

async function verifyDatabase(
  database: ControlReader,
  report: VerifyCommand["report"],
  heads: readonly AuditMark[] = [],
): Promise<number> {
  // A chain that was taken out as a whole is in the log all the same.
  const chains = new Set([...(await readChainNames(database)), ...heads.map(({ chain }) => chain)]);
  return tellResult(await verifyChains(database, [...chains], { keys: await readKeys(database), heads }), report);
}

async function readDataEvidence(database: ControlReader): Promise<DataEventEvidence> {
  return { marks: await readMarks(database, dataEventsChain), keys: await readKeys(database) };
}

async function hasEvents(database: ControlReader): Promise<boolean> {
  const sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1";
  return (await database.all(sql, ["audit_events"])).length > 0;
}

async function verifyFile(
  { dataDir, exportPath, report }: Required<VerifyCommand>,
  database: ControlReader | undefined,
): Promise<number> {
  const heads = await readLoggedHeads(exportPath);
  if (heads.length > 0) {
    if (database === undefined) {
      report("A log's signed heads are verified with the data folder that they were signed for");
      return codes.notChecked;
    }
    report(`${heads.length} signed heads of ${exportPath}`);
    const keys = await readKeys(database);
    const ofFiles = heads.filter(({ chain }) => chain === dataEventsChain);
    const requests = ofFiles.length > 0 ? await verifyDataEventFiles(dataDir, { marks: ofFiles, keys }) : undefined;
    const others = heads.filter(({ chain }) => chain !== dataEventsChain);
    return Math.max(await verifyDatabase(database, report, others), tellRequests(requests, report));
  }
  const keys = database && (await readKeys(database));
  const { chains, keyIds, problem } = await verifyExport(readFileLines(exportPath), keys);
  const from =
    keys === undefined ? "of the file itself: compare them with those of GET /api/v1/audit/head" : "of the data folder";
  report(`Keys ${from}: ${keyIds.join(", ")}`);
  if (problem !== undefined) report(`wrong: ${problem}`);
  const code = tellResult(chains, report);
  return problem === undefined ? code : codes.problemsFound;
}

/** The signed heads of a file that is a log; none for an export, whose first line says what it is. */
async function readLoggedHeads(path: string): Promise<readonly AuditMark[]> {
  const heads: AuditMark[] = [];
  for await (const line of readFileLines(path)) {
    if (heads.length === 0 && line.includes('"kind":"auditExport"')) return [];
    const head = parseLoggedHead(line);
    if (head !== undefined) heads.push(head);
  }
  return heads;
}

function tellRequests(found: DataEventReport | undefined, report: VerifyCommand["report"]): number {
  if (found === undefined) return codes.sound;
  const { eventCount, problem } = found;
  report(problem === undefined ? `Requests for objects: ${eventCount} events are right` : `wrong: ${problem}`);
  return problem === undefined ? codes.sound : codes.problemsFound;
}

function tellResult(reports: readonly ChainReport[], report: (line: string) => void): number {
  for (const { chain, eventCount, lastSeq, signedSeq, problem } of reports) {
    if (problem === undefined) {
      report(`Chain ${chain}: ${eventCount} events up to ${lastSeq} are right, signed up to ${signedSeq}`);
    } else {
      const id = problem.eventId === undefined ? "" : ` (${problem.eventId})`;
      report(`wrong: chain ${chain}, event ${problem.seq}${id}: ${problem.reason}`);
    }
  }
  return reports.every(({ problem }) => problem === undefined) ? codes.sound : codes.problemsFound;
}
