/** The first lines of an input, `count` at most; no more than these are read. */
export async function takeLines(input: AsyncIterable<string>, count: number): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of input) {
    lines.push(line);
    if (lines.length >= count) break;
  }
  return lines;
}
