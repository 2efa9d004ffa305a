import type { KeyImportResult } from "./import-keys.ts";

/** What an import of keys did and what shows that it is right, one sentence per line, for the operator. */
export function describeKeyImport(result: KeyImportResult): string {
  const { rootKeyId, keyPath, outcome, keptPath, openedKeys, openedObjects, refusedObjects, restoredVersions } = result;
  const lines = [
    outcome === "written"
      ? `The root key with id ${rootKeyId} is in ${keyPath} again`
      : `The root key with id ${rootKeyId} was in ${keyPath} already; nothing was written there`,
  ];
  if (keptPath !== undefined) lines.push(`The file that was there is now ${keptPath}`);
  if (restoredVersions.length > 0) {
    lines.push(`Damaged key-encryption keys of control.db were restored: ${restoredVersions.join(", ")}`);
  }
  if (openedKeys === 0) lines.push("The data folder holds no data yet, so nothing shows whether it is the right key");
  else lines.push(`It opens the data folder: ${openedKeys} key-encryption keys, ${openedObjects} of the objects tried`);
  if (refusedObjects > 0) lines.push(`${refusedObjects} of the objects tried do not open: run \`maxiofs check\``);
  return lines.join("\n");
}
