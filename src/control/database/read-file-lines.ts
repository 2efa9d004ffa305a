import { createReadStream } from "node:fs";

/** A line that is longer is given as it is so far, in parts: who reads it refuses it. UTF-16 units. */
const maxLineLength = 2 ** 21;

/** The lines of a text file, without line feeds, in bounded memory. @throws the error of the system when it cannot be read */
export async function* readFileLines(path: string): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of createReadStream(path, { encoding: "utf8" })) {
    const parts = `${rest}${String(chunk)}`.split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
    if (rest.length <= maxLineLength) continue;
    yield rest;
    rest = "";
  }
  if (rest !== "") yield rest;
}
