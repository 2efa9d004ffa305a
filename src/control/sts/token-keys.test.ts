import { afterEach, expect, test } from "bun:test";
import { sessionSeconds } from "#kernel/sts/parse-session-order.ts";
import { closeAudits } from "#testing/opened-audit.ts";
import { contentOf, issueSession, openSts, tokenOrder } from "#testing/opened-sts.ts";
import { maxTokensPerKey, tokenKeyLifeMs } from "./token-keys.ts";

afterEach(closeAudits);

test("TokenKeys: one key serves 7 days, over restarts too; then a new one, and tokens of the old one open on", async () => {
  const opened = await openSts();
  const { clock, tokenKeys, openKeys, publisher } = opened;
  const first = await tokenKeys.current();
  const token = await issueSession(opened, tokenOrder());
  clock.advance(tokenKeyLifeMs - 1);
  expect((await tokenKeys.current()).keyId).toBe(first.keyId);
  expect(await (await openKeys()).current()).toMatchObject({ keyId: first.keyId, key: first.key, issuedCount: 1 });
  clock.advance(1);
  const second = await tokenKeys.current();
  expect([second.keyId === first.keyId, Buffer.compare(second.key, first.key) === 0]).toEqual([false, false]);
  expect([...publisher.entries("tokenKey").keys()].toSorted()).toEqual([first.keyId, second.keyId].toSorted());
  expect(contentOf(publisher, token).lineage).toEqual([]);
});

test("TokenKeys: a key seals 2^30 tokens and no more", async () => {
  const { database, openKeys, tokenKeys } = await openSts();
  const { keyId } = await tokenKeys.current();
  await database.run("UPDATE token_keys SET issued_count = $1", [maxTokensPerKey - 1]);
  const keys = await openKeys();
  expect((await keys.current()).keyId).toBe(keyId);
  await database.transaction((queries) => keys.count(queries, { keyId, key: new Uint8Array(32) }));
  expect((await keys.current()).keyId).not.toBe(keyId);
  const [row] = await database.all("SELECT issued_count FROM token_keys WHERE key_id = $1", [keyId]);
  expect(row).toEqual({ issued_count: maxTokensPerKey });
});

test("TokenKeys.runUpkeep: a key goes, everywhere, when the longest token it can have sealed has ended, not before", async () => {
  const { clock, tokenKeys, publisher, database } = await openSts();
  await tokenKeys.runUpkeep();
  expect(publisher.entries("tokenKey").size).toBe(0);
  const first = await tokenKeys.current();
  clock.advance(tokenKeyLifeMs);
  await tokenKeys.runUpkeep();
  expect(publisher.entries("tokenKey").size).toBe(2);
  clock.advance(sessionSeconds.maxOwn * 1000 - 1);
  await tokenKeys.runUpkeep();
  expect(publisher.entries("tokenKey").has(first.keyId)).toBe(true);
  clock.advance(1);
  await tokenKeys.runUpkeep();
  expect(publisher.entries("tokenKey").has(first.keyId)).toBe(false);
  expect((await database.all("SELECT key_id FROM token_keys")).length).toBe(1);
});

test("TokenKeys: the stored key is sealed and bound to its row", async () => {
  const { tokenKeys, database, openKeys } = await openSts();
  const { keyId, key } = await tokenKeys.current();
  const [row] = await database.all("SELECT sealed_key FROM token_keys");
  expect(Buffer.from(String(row?.["sealed_key"]), "base64").includes(key)).toBe(false);
  await database.run("UPDATE token_keys SET key_id = $1 WHERE key_id = $2", ["00000000", keyId]);
  expect(openKeys()).rejects.toThrow("does not open");
});
