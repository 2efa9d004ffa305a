import { expect, test } from "bun:test";
import fc from "fast-check";
import { secretMask, toSettingText } from "./setting-rule.ts";
import {
  availableSettings,
  categoryOf,
  isSettingName,
  resolveSettings,
  ruleOf,
  type SettingName,
  settingRules,
  unavailableSettings,
} from "./settings.ts";

const names = Object.keys(settingRules).filter(isSettingName);
const resolve = (stored: Record<string, string>, overrides = {}) =>
  resolveSettings({ stored: new Map(Object.entries(stored)), overrides, defaults: {} });

test.each(names)("settingRules: %s has a description, and a default that its own parser reads back", (name) => {
  const { description, fallback, allowed, parse } = ruleOf(name);
  expect(description).toMatch(/^[A-Z].*[^.]$/);
  expect(allowed).not.toBe("");
  expect(parse(String(fallback))).toEqual(fallback);
  expect(toSettingText(ruleOf(name), fallback)).toBe(String(fallback));
});

test.each(names.filter((name) => ruleOf(name).type === "integer"))("settingRules: %s has bounds that hold", (name) => {
  const { min = Number.NaN, max = Number.NaN, parse } = ruleOf(name);
  expect([parse(String(min)), parse(String(max))]).toEqual([min, max]);
  expect([parse(String(min - 1)), parse(String(max + 1)), parse(`${min}.5`), parse("")]).toEqual(
    new Array(4).fill(undefined),
  );
});

test("settingRules: words are taken as written, and no other", () => {
  for (const name of names) {
    const { words = [], parse } = ruleOf(name);
    for (const word of words)
      expect([parse(word), parse(word.toUpperCase()), parse("")]).toEqual([word, undefined, undefined]);
  }
});

test("settingRules: secrets are texts without blanks, and the mask is none", () => {
  const secrets = names.filter((name) => ruleOf(name).isSecret);
  expect(secrets).toEqual(["metrics.token", "logging.http_auth_token", "tracing.auth_token", "email.smtp_password"]);
  for (const name of secrets) {
    const { parse } = ruleOf(name);
    expect([parse("x".repeat(512)), parse("x".repeat(513)), parse("a b"), parse(secretMask), parse("")]).toEqual([
      "x".repeat(512),
      undefined,
      undefined,
      undefined,
      "",
    ]);
  }
});

test("settingRules: a token for metrics has 16 characters at least", () => {
  const { parse } = ruleOf("metrics.token");
  expect([parse("x".repeat(15)), parse("x".repeat(16))]).toEqual([undefined, "x".repeat(16)]);
});

test("toSettingText: a value of another type is none, whatever it holds", () => {
  const wrong: readonly [SettingName, unknown][] = [
    ["s3.strict_region", "true"],
    ["s3.strict_region", 1],
    ["history.window", "3600"],
    ["history.window", 3600.5],
    ["history.window", Number.NaN],
    ["s3.region", 1],
    ["s3.region", null],
    ["server.s3_domains", "a.b"],
    ["server.s3_domains", [1]],
    ["server.s3_domains", ["a.b,c.d"]],
    ["server.s3_domains", [""]],
    ["logging.level", ["info"]],
  ];
  for (const [name, json] of wrong) expect([name, toSettingText(ruleOf(name), json)]).toEqual([name, undefined]);
  expect(toSettingText(ruleOf("server.s3_domains"), ["a.b", "c.d"])).toBe("a.b,c.d");
});

test("unavailableSettings: each is of the table, and no stored value of it takes effect", () => {
  for (const name of unavailableSettings) expect(isSettingName(name)).toBe(true);
  expect(availableSettings.length + unavailableSettings.size).toBe(names.length);
  const [first] = unavailableSettings;
  if (first === undefined) return;
  expect(resolve({ [first]: "true" })[first]).toEqual(ruleOf(first).fallback);
});

test("resolveSettings: start over stored over machine over default; what is unknown or not allowed is left out", () => {
  const stored = { "s3.region": "eu-1", "history.window": "5", "a.b": "c", "logging.level": "warn" };
  const settings = resolveSettings({
    stored: new Map(Object.entries(stored)),
    overrides: { "s3.region": "us-9" },
    defaults: { "logging.level": "debug", "logging.format": "text" },
  });
  expect(settings["s3.region"]).toBe("us-9");
  expect(settings["history.window"]).toBe(3600);
  expect(settings["logging.level"]).toBe("warn");
  expect(settings["logging.format"]).toBe("text");
  expect(Object.keys(settings)).toEqual(names);
});

test("categoryOf: the part before the dot", () => {
  expect([...new Set(names.map(categoryOf))]).toEqual([
    "security",
    "s3",
    "server",
    "audit",
    "storage",
    "system",
    "history",
    "scrub",
    "recovery",
    "backup",
    "metrics",
    "logging",
    "tracing",
    "email",
    "outbound",
    "log",
    "notification",
    "replication",
  ]);
});

test("parse: no text makes a rule throw", () => {
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.string({ maxLength: 300 }), (name, text) => {
      const { parse } = ruleOf(name);
      const value = parse(text);
      if (value !== undefined) expect(parse(String(value))).toEqual(value);
    }),
  );
});
