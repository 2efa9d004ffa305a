import { expect, test } from "bun:test";
import { systemRandom } from "#kernel/base/random.ts";
import { exportRecoveryBundle, openRecoveryBundle, RecoveryBundleError } from "./recovery-bundle.ts";
import { makeRootKey } from "./root-key.ts";

const passphrase = "correct horse battery staple";
const keys = {
  rootKey: makeRootKey(new Uint8Array(32).fill(1)),
  keys: [{ version: 1, key: new Uint8Array(32).fill(2) }],
};

test("exportRecoveryBundle: opens again with the passphrase only", async () => {
  const bundle = await exportRecoveryBundle(keys, passphrase, systemRandom);
  expect(await openRecoveryBundle(bundle, passphrase)).toEqual(keys);
  await expect(openRecoveryBundle(bundle, `${passphrase}!`)).rejects.toThrow(RecoveryBundleError);
  const changed = bundle.replace(keys.rootKey.id, "0".repeat(16));
  await expect(openRecoveryBundle(changed, passphrase)).rejects.toThrow(RecoveryBundleError);
});

test("exportRecoveryBundle: short passphrases are refused, keys do not show", async () => {
  await expect(exportRecoveryBundle(keys, "short", systemRandom)).rejects.toThrow("12 at least");
  const bundle = await exportRecoveryBundle(keys, passphrase, systemRandom);
  expect(bundle).not.toContain(Buffer.from(keys.rootKey.bytes).toString("base64"));
});

test("openRecoveryBundle: other texts are refused", async () => {
  for (const text of [
    "",
    "{}",
    "null",
    "[]",
    '{"format":"maxiofs-recovery-bundle","version":1}',
    "x".repeat(2 ** 21),
  ]) {
    await expect(openRecoveryBundle(text, passphrase)).rejects.toThrow(RecoveryBundleError);
  }
});
