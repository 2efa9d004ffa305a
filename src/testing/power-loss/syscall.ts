/** One system call of a traced process. */
export interface Syscall {
  readonly name: string;
  /** Its arguments as strace prints them, each quoted string replaced by `$` and every descriptor's path left out. */
  readonly shape: string;
  /** The quoted strings, decoded, in their order. */
  readonly strings: readonly Buffer[];
  /** True when strace cut a string off: its bytes are not known. */
  readonly isCut: boolean;
  /** Number of the line on which it was entered. */
  readonly begin: number;
  /** Number of the line on which it returned; Infinity when it never did. */
  readonly end: number;
  /** What it returned; NaN when it never did, -1 for every error. */
  readonly result: number;
}

interface CallText {
  readonly text: string;
  readonly begin: number;
}

const newline = 10;
const unfinished = " <unfinished ...>";
const resumedPattern = /^<\.\.\. \w+ resumed>/;
const resultPattern = /\)\s+= (-?\d+|\?)(?:x[0-9a-f]+)?(?: .*)?$/;

/**
 * Reads what `strace -f -xx -o FILE` wrote, calls in the order in which they were entered. Lines that are no calls (signals, exits)
 * are skipped; calls that the end of the process cut short have no result.
 */
export function parseSyscallLog(log: Uint8Array): Syscall[] {
  const calls: Syscall[] = [];
  const open = new Map<string, CallText>();
  let line = 0;
  for (const text of splitLines(log)) {
    line++;
    const space = text.indexOf(" ");
    const thread = text.slice(0, space);
    const rest = text.slice(space + 1).trimStart();
    const resumed = resumedPattern.exec(rest);
    const before = resumed === null ? undefined : open.get(thread);
    if (resumed !== null && before !== undefined) {
      open.delete(thread);
      calls.push(parseCall({ text: before.text + rest.slice(resumed[0].length), begin: before.begin }, line));
    } else if (rest.endsWith(unfinished)) {
      open.set(thread, { text: rest.slice(0, -unfinished.length), begin: line });
    } else if (/^\w+\(/.test(rest)) {
      calls.push(parseCall({ text: rest, begin: line }, line));
    }
  }
  for (const each of open.values()) calls.push(parseCall(each, Number.POSITIVE_INFINITY));
  return calls.sort((a, b) => a.begin - b.begin);
}

/** The number at a place of the arguments (0 is the first); NaN when there is none. */
export function numberArgument({ shape }: Syscall, index: number): number {
  const text = shape.split(", ")[index];
  return text === undefined ? Number.NaN : Number.parseInt(text, 10);
}

function parseCall({ text, begin }: CallText, line: number): Syscall {
  const open = text.indexOf("(");
  const { shape, strings } = readStrings(text.slice(open + 1));
  const found = resultPattern.exec(shape);
  const end = found === null || found[1] === "?" ? Number.POSITIVE_INFINITY : line;
  return {
    name: text.slice(0, open),
    shape: found === null ? shape : shape.slice(0, found.index),
    strings,
    isCut: shape.includes("$..."),
    begin,
    end,
    result: end === line ? Number(found?.[1]) : Number.NaN,
  };
}

/** Takes quoted strings and the paths of descriptors out of a line. With `-xx` neither holds a quote or an angle bracket. */
function readStrings(text: string): { shape: string; strings: Buffer[] } {
  const strings: Buffer[] = [];
  let shape = "";
  let at = 0;
  for (let quote = text.indexOf('"'); quote >= 0; quote = text.indexOf('"', at)) {
    const close = text.indexOf('"', quote + 1);
    if (close < 0) break;
    strings.push(Buffer.from(text.slice(quote + 1, close).replaceAll("\\x", ""), "hex"));
    shape += `${text.slice(at, quote)}$`;
    at = close + 1;
  }
  shape += text.slice(at);
  return { shape: shape.replace(/<[^<>]*>(?:\(deleted\))?/g, ""), strings };
}

function* splitLines(log: Uint8Array): Generator<string> {
  const bytes = Buffer.from(log.buffer, log.byteOffset, log.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const found = bytes.indexOf(newline, at);
    const end = found < 0 ? bytes.length : found;
    yield bytes.toString("latin1", at, end);
    at = end + 1;
  }
}
