import { expect, test } from "bun:test";
import { systemRandom } from "#kernel/base/random.ts";
import { isApiToken, makeApiToken } from "./api-token.ts";
import { hashRecoveryCode, makeRecoveryCodes } from "./recovery-code.ts";
import { hashSecretId, isSecretId, makeSecretId } from "./secret-id.ts";

test("makeApiToken: 40 digits with their checksum, all digits about equally often", () => {
  const tokens = Array.from({ length: 500 }, () => makeApiToken(systemRandom));
  expect(new Set(tokens).size).toBe(500);
  for (const token of tokens) expect(token).toMatch(/^mxt_[0-9A-Za-z]{40}$/);
  expect(tokens.every(isApiToken)).toBe(true);
  const used = new Set(tokens.map((token) => token.slice(4, 38)).join(""));
  expect(used.size).toBe(62);
});

test("isApiToken: each changed character is seen before anything is looked up", () => {
  const token = makeApiToken(systemRandom);
  for (let at = 0; at < token.length; at++) {
    const other = token[at] === "a" ? "b" : "a";
    expect(isApiToken(token.slice(0, at) + other + token.slice(at + 1))).toBe(false);
  }
  for (const text of ["", "mxt_", `${token}a`, token.slice(0, -1), ` ${token}`, token.toUpperCase()]) {
    expect(isApiToken(text)).toBe(false);
  }
});

test("makeSecretId: 256 bits in 43 characters; what is stored is another text", () => {
  const id = makeSecretId(systemRandom);
  expect(isSecretId(id)).toBe(true);
  expect(isSecretId(`${id}A`)).toBe(false);
  expect(isSecretId(id.slice(1))).toBe(false);
  expect(hashSecretId(id)).toMatch(/^[0-9a-f]{64}$/);
});

test("makeRecoveryCodes: ten different ones; their hashes belong to one user", () => {
  const codes = makeRecoveryCodes(systemRandom);
  expect(new Set(codes).size).toBe(10);
  for (const code of codes) expect(code).toMatch(/^[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}$/);
  const [code = ""] = codes;
  expect(hashRecoveryCode("a", code)).toBe(hashRecoveryCode("a", code.replaceAll("-", "").toUpperCase()));
  expect(hashRecoveryCode("a", code)).not.toBe(hashRecoveryCode("b", code));
});
