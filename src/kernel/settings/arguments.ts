/** What is taken out of the words after a command, and the words that are left. */
export interface Taken {
  /** Undefined when it is not there. */
  readonly value: string | undefined;
  readonly rest: readonly string[];
}

/** Takes the first word that is neither a flag nor a flag's value; `-` counts as a word. */
export function takeWord(words: readonly string[]): Taken {
  const at = words.findIndex((word, index) => !isFlag(word) && !takesNext(words[index - 1]));
  return at < 0 ? { value: undefined, rest: words } : { value: words[at], rest: words.toSpliced(at, 1) };
}

/** Takes a flag with its value, `--name VALUE` or `--name=VALUE`. @param name with its dashes; a last one without value stays. */
export function takeFlag(words: readonly string[], name: string): Taken {
  const at = words.findIndex((word) => word === name || word.startsWith(`${name}=`));
  const word = words[at];
  if (word === undefined) return { value: undefined, rest: words };
  if (word !== name) return { value: word.slice(name.length + 1), rest: words.toSpliced(at, 1) };
  const next = words[at + 1];
  return next === undefined ? { value: undefined, rest: words } : { value: next, rest: words.toSpliced(at, 2) };
}

/** Takes a flag without value. */
export function takeSwitch(words: readonly string[], name: string): Taken {
  const rest = words.filter((word) => word !== name);
  return { value: rest.length < words.length ? name : undefined, rest };
}

function isFlag(word: string): boolean {
  return word.startsWith("--");
}

function takesNext(word: string | undefined): boolean {
  return word !== undefined && isFlag(word) && !word.includes("=");
}
