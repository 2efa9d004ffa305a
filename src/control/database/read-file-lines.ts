import { createReadStream } from "node:fs";

/** A line that is longer is given as it is so far, in parts: who reads it refuses it. UTF-16 units. */
const maxLineLength = 2 ** 21;

/**
 * The lines of a text file, without line feeds, in bounded memory.
 * @param end what to do with an end without a line feed: leave it out where somebody may be writing it
 * @throws the error of the system when the file cannot be read
 */
export async function* readFileLines(path: string, end: "given" | "leftOut" = "given"): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of createReadStream(path, { encoding: "utf8" })) {
    const parts = `${rest}${String(chunk)}`.split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
    if (rest.length <= maxLineLength) continue;
    yield rest;
    rest = "";
  }
  if (rest !== "" && end === "given") yield rest;
}
