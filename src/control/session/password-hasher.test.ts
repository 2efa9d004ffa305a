import { expect, test } from "bun:test";
import { maxRunningHashes, maxWaitingHashes, PasswordHasher, standardPasswordCost } from "./password-hasher.ts";

const cheap = { memoryKiB: 8, timeCost: 1 };

test("PasswordHasher: verifies what it hashed, in any normal form of the characters", async () => {
  const hasher = new PasswordHasher(cheap);
  const hash = await hasher.hash("Größe\u212b1");
  expect(hash).toStartWith("$argon2id$v=19$m=8,t=1,p=1$");
  expect(await hasher.verify("Gro\u0308\u00dfe\u00c51", hash)).toBe(true);
  expect(await hasher.verify("Grosse\u00c51", hash)).toBe(false);
  expect(await hasher.verify("", hash)).toBe(false);
  expect(await hasher.verify("x", "no hash")).toBe(false);
});

test("PasswordHasher: without a hash the same work is done: the stand-in is a hash of the same cost, and no password's", async () => {
  const hasher = new PasswordHasher(cheap);
  expect(await Bun.password.verify("x", hasher.dummyHash)).toBe(false);
  expect(await hasher.verify("x", undefined)).toBe(false);
  const parameters = /^\$argon2id\$v=19\$m=\d+,t=\d+,p=1\$/.exec(await hasher.hash("x"))?.[0] ?? "none";
  expect(hasher.dummyHash).toStartWith(parameters);
  expect(hasher.dummyHash).toHaveLength((await hasher.hash("x")).length);
  expect(new PasswordHasher().dummyHash).toStartWith("$argon2id$v=19$m=47104,t=2,p=1$");
  expect(standardPasswordCost).toEqual({ memoryKiB: 47_104, timeCost: 2 });
});

test("PasswordHasher: a weaker hash is known", async () => {
  const hash = await new PasswordHasher(cheap).hash("x");
  expect(new PasswordHasher(cheap).isWeak(hash)).toBe(false);
  expect(new PasswordHasher({ ...cheap, memoryKiB: 16 }).isWeak(hash)).toBe(true);
  expect(new PasswordHasher({ ...cheap, timeCost: 2 }).isWeak(hash)).toBe(true);
  expect(new PasswordHasher(cheap).isWeak("$2b$10$x")).toBe(true);
});

test("PasswordHasher: so many run and wait, one more is refused, and then there is room again", async () => {
  const hasher = new PasswordHasher(cheap);
  const room = maxRunningHashes + maxWaitingHashes;
  const results = Array.from({ length: room }, () => hasher.hash("x"));
  await expect(hasher.hash("x")).rejects.toThrow("Too many log-ins at once");
  expect(new Set(await Promise.all(results)).size).toBe(room);
  await hasher.hash("x");
});
