import { clearControlSocket, closeControlSocketToOthers, controlSocketPath } from "../database/control-socket.ts";
import { ControlError } from "../http/control-error.ts";
import type { Log } from "../observe/log.ts";

const maxBodyBytes = 65_536;

/** Commands that go through the socket: `maxiofs admin`, `maxiofs settings`, `maxiofs keys`. */
export type CommandKind = (typeof commandKinds)[number];

const commandKinds = ["admin", "settings", "keys"] as const;

/** What answers on the socket. */
export interface AdminSocketOptions {
  readonly dataDir: string;
  /** Runs a command of each kind as it came. @returns lines for people. @throws ControlError */
  readonly run: Readonly<Record<CommandKind, (command: unknown) => Promise<readonly string[]>>>;
  readonly log: Log;
}

/** An open socket. */
export interface AdminSocket {
  /** Stops answering and removes the socket. */
  close(): Promise<void>;
}

/** What the server answered. */
export interface AdminAnswer {
  readonly isDone: boolean;
  readonly lines: readonly string[];
}

/**
 * Answers commands on `<data>/control.sock` (mode 0600): who may read the data folder is trusted. Call it while holding the
 * folder's lock. Where the path is too long for a socket, it says so in the log, and the commands wait for a stopped server.
 */
export function listenForAdministration({ dataDir, run, log }: AdminSocketOptions): AdminSocket {
  const path = controlSocketPath(dataDir);
  if (path === undefined) {
    log.warn("The data folder's path is too long for control.sock: commands work while the server is stopped");
    return { close: async () => undefined };
  }
  clearControlSocket(path);
  const server = Bun.serve({
    unix: path,
    maxRequestBodySize: maxBodyBytes,
    development: false,
    fetch: async (request) => {
      try {
        const { pathname } = new URL(request.url);
        const kind = commandKinds.find((each) => pathname === `/${each}`) ?? "admin";
        const lines = await run[kind](await request.json());
        return Response.json({ lines });
      } catch (error) {
        const isExpected = error instanceof ControlError;
        if (!isExpected) log.error("A command failed", { error: String(error) });
        const lines = isExpected
          ? [error.message, ...error.parts.map(({ message }) => message)]
          : ["The server failed"];
        return Response.json({ lines }, { status: 400 });
      }
    },
  });
  closeControlSocketToOthers(path);
  return {
    close: async () => {
      await server.stop(true);
      clearControlSocket(path);
    },
  };
}

/** Asks a running server. @throws ControlError Unavailable when there is no socket or nobody answers. */
export async function askRunningServer(dataDir: string, kind: CommandKind, command: object): Promise<AdminAnswer> {
  const unix = controlSocketPath(dataDir);
  if (unix === undefined) {
    throw new ControlError("Unavailable", "The data folder's path is too long for control.sock: stop the server first");
  }
  const body = JSON.stringify(command);
  const response = await fetch(`http://localhost/${kind}`, { unix, method: "POST", body }).catch(() => {
    throw new ControlError("Unavailable", "The server does not answer on control.sock: it is starting, or ending");
  });
  const answer: unknown = await response.json();
  const lines = typeof answer === "object" && answer !== null && "lines" in answer ? answer.lines : [];
  return { isDone: response.ok, lines: Array.isArray(lines) ? lines.map(String) : [] };
}
