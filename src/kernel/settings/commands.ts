import { renderFlags } from "./boot-config.ts";

/** One verb of the command line. */
interface Command {
  /** One or two words, as typed. */
  readonly name: string;
  /** What follows the name. */
  readonly usage: string;
  /** Begins in lower case, no full stop; for the list. */
  readonly summary: string;
  /** Paragraphs of its own help. */
  readonly details: readonly string[];
  /** Flags of its own, which no other command has. */
  readonly ownFlags?: readonly (readonly [flag: string, description: string])[];
  /** Names of the keys whose flags it heeds; `all`: every one. */
  readonly keys: readonly string[] | "all";
}

const offlineKeys = ["config", "data", "root_key"];

const commands: readonly Command[] = [
  {
    name: "serve",
    usage: "[FLAGS]",
    summary: "runs the server",
    details: [
      "Ctrl-C (SIGINT) finishes what runs and ends. SIGTERM does the same after 5 s in which /health/ready answers 503, so that load balancers look away. A second signal ends at once; no acknowledged write is lost.",
    ],
    keys: "all",
  },
  {
    name: "check",
    usage: "[BUCKET] [FLAGS]",
    summary: "reads all that a data folder holds, verifies it and reports; changes nothing",
    details: [
      "Works without a server and beside one. BUCKET is a bucket's name or id; without it all are read.",
      "Exit codes: 0 everything is sound; 1 problems were found; 2 something could not be checked.",
    ],
    keys: offlineKeys,
  },
  {
    name: "audit verify",
    usage: "[FILE] [FLAGS]",
    summary: "verifies the recorded events, or an export of them, and names the first bad one",
    details: [
      "Without FILE it verifies the events of the data folder, beside a running server or without one. FILE may be an export of GET /api/v1/audit/export?format=jsonl; it is verified with the keys of the data folder, or without one with those that it brings along: compare their ids then.",
      "FILE may also be the server's log, best kept on another machine: its lines `Audit head signed` show what was cut off or taken out together with the signatures in the data folder.",
      "Exit codes: 0 everything is right; 1 something was changed, moved or left out; 2 there was nothing to verify.",
    ],
    keys: ["config", "data"],
  },
  {
    name: "keys export",
    usage: "[FLAGS] < PASSPHRASE > BUNDLE",
    summary: "writes a copy of the keys, protected by a passphrase",
    details: [
      "The passphrase is the first line of standard input, 12 characters at least. The recovery bundle is written to standard output: keep it, and the passphrase, away from the data folder. Works beside a running server. The audit tells of it.",
    ],
    keys: offlineKeys,
  },
  {
    name: "keys import",
    usage: "BUNDLE [--replace] [FLAGS] < PASSPHRASE",
    summary: "puts the root key back from a copy that keys export wrote",
    details: [
      "For a root key that is lost, damaged, or not the one of this folder. BUNDLE is a file, or - for the lines of standard input after the first. The passphrase is the first line of standard input.",
      "Nothing is written before the key has been shown to open what the folder holds. The key goes to the file root.key of the data folder, or to the one that --root-key-file names. A file that is there is kept beside it under another name.",
    ],
    ownFlags: [
      ["--replace", "Replaces the root key of a folder that holds no data yet, where nothing shows which key is right"],
    ],
    keys: offlineKeys,
  },
  {
    name: "admin",
    usage: "VERB [USER] [FLAGS]",
    summary: "helps people who cannot log in to the console, and ends log-ins",
    details: [
      "VERB is one of: list (who can log in), reset-password (a one-time password; ends the user's sessions), unlock (after too many failed log-ins), disable-2fa (takes the second factor away), revoke-sessions, create-token (an API token).",
      "Works beside a running server, through control.sock in the data folder, and without one. Whoever may read the data folder may do all of it.",
      "Exit codes: 0 done; 1 not done, with the reason on standard error.",
    ],
    ownFlags: [
      ["--tenant SLUG", "Tenant of the user [default]"],
      ["--name NAME", "Name of the token [command line]"],
      ["--days N", "Days that the token lives [90]"],
    ],
    keys: offlineKeys,
  },
  {
    name: "settings",
    usage: "list | get KEY | set KEY VALUE [FLAGS]",
    summary: "shows and changes the settings that a running server takes over at once",
    details: [
      "list prints each key, its value and where that comes from; get prints one value; set changes one. Items of a list are separated by commas. VALUE - is the first line of standard input: for secrets, which are shown as *** only.",
      "Works beside a running server, through control.sock in the data folder, and without one. Whoever may read the data folder may do all of it. A value given at start, as a flag, variable or in the configuration file, wins and cannot be changed.",
      "Exit codes: 0 done; 1 not done, with the reason on standard error.",
    ],
    ownFlags: [["--default", "set: puts the default back, in place of VALUE"]],
    keys: offlineKeys,
  },
  {
    name: "policy check",
    usage: "FILE [--kind KIND] [--bucket NAME]",
    summary: "says whether a policy is one that the server takes, and what is wrong with it",
    details: [
      "FILE holds the policy in JSON; - is standard input. KIND is one of managed (the default), userInline, groupInline, roleInline, key, session, bucket, trust. --bucket NAME is the one that a bucket policy is for: it may name no other. Needs neither a server nor a data folder.",
      "Exit codes: 0 the policy is right, there may be warnings; 1 it is not, every finding has its place in the document; 2 nothing could be checked.",
    ],
    keys: [],
  },
  { name: "version", usage: "", summary: "prints the version", details: [], keys: [] },
  {
    name: "help",
    usage: "[COMMAND]",
    summary: "prints this, or the help of one command with its flags",
    details: [],
    keys: [],
  },
];

/** What `help` prints for these words: of a command by one or two of them, of all that begin with the first, or the list. @returns undefined when they are no command */
export function findHelp(words: readonly string[]): string | undefined {
  const [first = ""] = words;
  if (words.length === 0) return renderCommandList();
  const found = renderCommandHelp(words.slice(0, 2).join(" ")) ?? renderCommandHelp(first);
  if (found !== undefined) return found;
  const group = commands.filter(({ name }) => name.startsWith(`${first} `));
  return group.length === 0 ? undefined : group.map(({ name }) => renderCommandHelp(name)).join("\n");
}

/** The list of commands, ends in a line feed. */
export function renderCommandList(): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`);
  return `Usage: maxiofs COMMAND [FLAGS]\n\n${lines.join("")}\n\`maxiofs help COMMAND\` says more and lists the flags.\n`;
}

/** Help of one command with its flags, ends in a line feed. @param name such as `keys import`. @returns undefined when there is none. */
export function renderCommandHelp(name: string): string | undefined {
  const command = commands.find((each) => each.name === name);
  if (command === undefined) return undefined;
  const { usage, summary, details, ownFlags = [], keys } = command;
  const head = `Usage: maxiofs ${name}${usage === "" ? "" : ` ${usage}`}\n\n${capitalize(summary)}.\n`;
  const paragraphs = details.map((text) => `\n${wrap(text)}\n`).join("");
  if (keys.length === 0) return head + paragraphs;
  const own = ownFlags.map(([flag, description]) => `  ${flag}\n      ${description}\n`).join("");
  const about = wrap(
    "Flags. What is not given as a flag is taken from the environment variable, then from the configuration file:",
  );
  return `${head}${paragraphs}\n${about}\n\n${own}${renderFlags(keys === "all" ? undefined : keys)}`;
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Lines of at most 100 characters, broken at blanks. */
function wrap(text: string): string {
  return text.replaceAll(/(.{1,100})(?: |$)/g, "$1\n").trimEnd();
}
