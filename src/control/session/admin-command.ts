import { ControlError } from "../http/control-error.ts";
import { defaultTenantSlug } from "../tenants/ensure-tenant.ts";
import type { Account } from "./account-store.ts";
import type { Administrator, LoginAdministration } from "./login-administration.ts";

/** The verbs of `maxiofs admin`. */
export const adminVerbs = [
  "list",
  "reset-password",
  "unlock",
  "disable-2fa",
  "revoke-sessions",
  "create-token",
] as const;

/** What `maxiofs admin` asks for. */
export interface AdminCommand {
  readonly verb: (typeof adminVerbs)[number];
  /** Wanted by every verb but `list`. */
  readonly user?: string;
  /** Slug; `default` when absent. */
  readonly tenant?: string;
  /** Of the token. */
  readonly name?: string;
  /** That the token lives. */
  readonly days?: number;
}

/** Whoever reads the data folder: he needs no other proof. */
const commandLine: Administrator = {
  actor: { kind: "commandLine", id: "", name: "maxiofs admin" },
  via: "commandLine",
};

/** A command as it comes through the socket. @throws ControlError InvalidRequest for anything else. */
export function parseAdminCommand(value: unknown): AdminCommand {
  const fields = typeof value === "object" && value !== null ? value : {};
  const text = (name: string) => {
    const found: unknown = Object.getOwnPropertyDescriptor(fields, name)?.value;
    return typeof found === "string" ? found : undefined;
  };
  const [verbText, user, tenant, name] = [text("verb"), text("user"), text("tenant"), text("name")];
  const verb = adminVerbs.find((each) => each === verbText);
  if (verb === undefined) throw new ControlError("InvalidRequest", `One of ${adminVerbs.join(", ")} is wanted`);
  if (verb !== "list" && user === undefined) throw new ControlError("InvalidRequest", "The name of a user is wanted");
  const days = "days" in fields && typeof fields.days === "number" ? fields.days : undefined;
  return {
    verb,
    ...(user !== undefined && { user }),
    ...(tenant !== undefined && { tenant }),
    ...(name !== undefined && { name }),
    ...(days !== undefined && { days }),
  };
}

/** Runs a command. @returns lines for people; a password or token among them is shown this once. @throws ControlError */
export async function runAdminCommand(logins: LoginAdministration, command: AdminCommand): Promise<readonly string[]> {
  const { verb, user = "", tenant = defaultTenantSlug, name = "command line", days } = command;
  return verb === "list"
    ? listLogins(logins)
    : runForUser(logins, { verb, account: await logins.find(tenant, user), name, days });
}

async function runForUser(logins: LoginAdministration, { verb, account, ...token }: UserCommand): Promise<string[]> {
  const shown = `${account.tenantSlug}/${account.userName}`;
  switch (verb) {
    case "reset-password":
      return describeReset(shown, (await logins.resetPassword(account, commandLine)).password);
    case "unlock":
      await logins.unlock(account, commandLine);
      return [`${shown} can log in again`];
    case "disable-2fa":
      await logins.disableSecondFactor(account, commandLine);
      return [`${shown} has no second factor any more`];
    case "revoke-sessions":
      return [`${await logins.revokeSessions(account, commandLine)} sessions of ${shown} ended`];
    case "create-token":
      return [await createToken(logins, account, token)];
  }
}

function createToken(logins: LoginAdministration, account: Account, { name, days }: TokenWish): Promise<string> {
  return logins.createToken(account, commandLine, { name, ...(days !== undefined && { days }) });
}

interface UserCommand extends TokenWish {
  readonly verb: Exclude<AdminCommand["verb"], "list">;
  readonly account: Account;
}

interface TokenWish {
  readonly name: string;
  readonly days: number | undefined;
}

function describeReset(shown: string, password: string): string[] {
  return [
    `One-time password of ${shown}, shown this once. It works for 72 hours; the next log-in changes it:`,
    "",
    `  ${password}`,
    "",
    "All sessions of the user ended.",
  ];
}

async function listLogins(logins: LoginAdministration): Promise<readonly string[]> {
  const rows = (await logins.list()).map(({ tenant, userName, global, password, secondFactor, locked }) => [
    `${tenant}/${userName}`,
    global ? "administrator" : "user",
    `password ${password}`,
    secondFactor ? "second factor" : "no second factor",
    locked ? "locked" : "",
  ]);
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
