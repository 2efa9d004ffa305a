import { readFileSync } from "node:fs";
import { BootConfigError } from "#kernel/settings/boot-config-error.ts";
import { describeFileError, type FileText } from "#kernel/settings/file-text.ts";

/** The text of a file the administrator names, or why it cannot be read. Never throws. */
export function readTextFile(path: string): FileText {
  try {
    return { text: readFileSync(path, "utf8") };
  } catch (error) {
    return { problem: describeFileError(error) };
  }
}

/** A certificate or key. @throws BootConfigError when it cannot be read */
export function readPemFile(path: string): string {
  const found = readTextFile(path);
  if ("problem" in found) throw new BootConfigError([`${path} cannot be read: ${found.problem}`]);
  return found.text;
}
