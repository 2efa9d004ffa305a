/**
 * Makes this process one of a user to whom permissions apply: root, as which tests may run, may do everything. For child
 * processes only, there is no way back: its text (`toString`) goes into their program, after the imports.
 */
export function becomeNobody(): void {
  if (process.geteuid?.() !== 0) return;
  process.setgroups?.([]);
  process.setgid?.(65_534);
  process.setuid?.(65_534);
}
