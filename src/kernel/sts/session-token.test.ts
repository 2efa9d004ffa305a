import { expect, test } from "bun:test";
import { testSession } from "#testing/session-content.ts";
import type { SessionContent } from "./session-content.ts";
import { deriveSessionSecret, maxSessionTokenLength, openSessionToken, sealSessionToken } from "./session-token.ts";

const key = { keyId: "00ff7a31", key: new Uint8Array(32).fill(1) };
const accessKeyId = "ASIAABCDEFGHIJKLMNOP";
const nonce = new Uint8Array(12).fill(9);
const content: SessionContent = {
  ...testSession,
  principalId: "AROAROLEROLEROLEROLE",
  sessionName: "nightly",
  sourceIdentity: "carol",
  mfaAtMs: 17,
  tags: [["team", "bl\u00fce"]],
  transitiveTagKeys: ["team"],
  chain: [
    { layer: "keyPolicy", texts: ["{}"], policyIds: [] },
    { layer: "boundary", texts: [], policyIds: ["ANPA1"] },
  ],
  lineage: ["AIDAUSERUSERUSERUSER"],
};

function seal(sealed: SessionContent = content): string {
  return sealSessionToken(sealed, { key, accessKeyId, nonce });
}

function open(token: string, id = accessKeyId, keys = [key]) {
  return openSessionToken(token, id, (keyId) => keys.find((one) => one.keyId === keyId)?.key);
}

test("session token: what was sealed comes back, with the secret of its access key, and cannot be read", () => {
  const token = seal();
  expect(token).toStartWith("MX1.AP96MQ");
  expect(open(token)).toEqual({ content, secretKey: deriveSessionSecret(key.key, accessKeyId) });
  expect(Buffer.from(token.slice(4), "base64url").toString("latin1")).not.toContain("nightly");
});

test("openSessionToken: with any bit of the token flipped it does not open", () => {
  const bytes = Buffer.from(seal().slice(4), "base64url");
  let opened = 0;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const bent = Buffer.from(bytes);
    bent.writeUInt8(bent.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    if (open(`MX1.${bent.toString("base64url")}`) !== undefined) opened++;
  }
  expect(opened).toBe(0);
});

test("openSessionToken: with any bit of a character flipped it does not open", () => {
  const token = seal();
  const found: number[] = [];
  for (let at = 0; at < token.length * 7; at++) {
    const [index, bit] = [Math.floor(at / 7), at % 7];
    const bent = String.fromCharCode(token.charCodeAt(index) ^ (1 << bit));
    if (open(token.slice(0, index) + bent + token.slice(index + 1)) !== undefined) found.push(at);
  }
  expect(found).toEqual([]);
});

test("openSessionToken: of another access key, sealed by another key, under a retired or replaced key, cut or longer: refused", () => {
  const token = seal();
  expect(open(token, "ASIAABCDEFGHIJKLMNOQ")).toBeUndefined();
  expect(open(token, "AKIA")).toBeUndefined();
  const other = { keyId: key.keyId, key: new Uint8Array(32).fill(2) };
  expect(open(token, accessKeyId, [other])).toBeUndefined();
  expect(open(token, accessKeyId, [])).toBeUndefined();
  for (const text of ["", "MX1.", "MX1", token.slice(0, -1), `${token}A`, `${token}=`, ` ${token}`, token.slice(4)]) {
    expect([text, open(text)]).toEqual([text, undefined]);
  }
});

test("openSessionToken: as long as a token may be opens, longer does not", () => {
  const sized = (length: number) => seal({ ...content, sessionName: "x".repeat(length) });
  let length = 2000;
  while (sized(length + 1).length <= maxSessionTokenLength) length++;
  expect(sized(length).length).toBe(maxSessionTokenLength);
  expect(open(sized(length))?.content.sessionName.length).toBe(length);
  expect(open(sized(length + 1))).toBeUndefined();
});

test("deriveSessionSecret: 40 characters, others for each access key and token key", () => {
  const secrets = [
    deriveSessionSecret(key.key, accessKeyId),
    deriveSessionSecret(key.key, "ASIAOTHER"),
    deriveSessionSecret(new Uint8Array(32).fill(2), accessKeyId),
  ];
  expect(new Set(secrets).size).toBe(3);
  for (const secret of secrets) expect(secret).toMatch(/^[A-Za-z0-9+/]{40}$/);
});
