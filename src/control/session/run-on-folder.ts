import { findServer } from "../database/lock-data-folder.ts";
import { hasControlDatabase } from "../database/open-control-database.ts";
import { requireDataFolder, type TakeOptions, takeDataFolder } from "../database/take-data-folder.ts";
import { ControlError } from "../http/control-error.ts";
import { type AdminAnswer, askRunningServer, type CommandKind } from "./admin-socket.ts";

/** A command about a data folder. */
export interface FolderCommand<Command> {
  readonly kind: CommandKind;
  /** Takes the words of the command; what is left are flags of the configuration. @throws ControlError */
  readonly parse: () => Promise<{ readonly command: Command; readonly flags: readonly string[] }>;
  /** Where the folder is. @throws BootConfigError */
  readonly readDataDir: (flags: readonly string[]) => string;
  /** Does it while nobody else has the folder. @throws ControlError */
  readonly runOffline: (command: Command) => Promise<readonly string[]>;
}

/**
 * Runs a command through the socket of the server that has the data folder, else on the control database itself, which is brought up
 * to date for that.
 * @throws DataFolderError when the folder cannot be read; StartRefusedError when the database cannot be opened.
 */
export async function runOnFolder<Command extends object>(
  { kind, parse, readDataDir, runOffline }: FolderCommand<Command>,
  process: Omit<TakeOptions, "dataDir">,
): Promise<AdminAnswer> {
  try {
    const { command, flags } = await parse();
    const dataDir = readDataDir(flags);
    requireDataFolder(dataDir);
    if (!hasControlDatabase(dataDir))
      throw new ControlError("NotFound", `${dataDir} has no control.db: --data (MAXIOFS_DATA) must name a data folder`);
    if (findServer(dataDir) !== undefined) return sign(await askRunningServer(dataDir, kind, command));
    const lock = takeDataFolder({ ...process, dataDir });
    try {
      return { isDone: true, lines: await runOffline(command) };
    } finally {
      lock.release();
    }
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    return sign({ isDone: false, lines: [error.message, ...error.parts.map(({ message }) => message)] });
  }
}

/** Errors say which program they are from. */
function sign({ isDone, lines }: AdminAnswer): AdminAnswer {
  return { isDone, lines: isDone ? lines : lines.map((line) => `maxiofs: ${line}`) };
}
