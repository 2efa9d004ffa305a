import { expect, test } from "bun:test";
import { defaultReserveBytes, isDataSettingName, pickDataSettings } from "./data-settings.ts";
import { resolveSettings } from "./settings.ts";

test("defaultReserveBytes: 1 % of the disk, 2 GiB at least", () => {
  const tebibyte = 2 ** 40;
  expect(defaultReserveBytes(0)).toBe(2 ** 31);
  expect(defaultReserveBytes(2 ** 34)).toBe(2 ** 31);
  expect(defaultReserveBytes(tebibyte)).toBe(Math.floor(tebibyte / 100));
});

test("resolveSettings: overrides win over stored values; what is unknown or out of bounds is left out", () => {
  const stored = new Map([
    ["s3.region", "eu-1"],
    ["s3.strict_region", "yes"],
    ["history.window", "1"],
    ["from.the.future", "x"],
  ]);
  expect(resolveSettings({ stored, overrides: {}, defaults: {} })["s3.region"]).toBe("eu-1");
  const overrides = { "s3.region": "us-2", "storage.inline_threshold": 0 };
  const settings = resolveSettings({ stored, overrides, defaults: { "storage.reserve_bytes": 7 } });
  expect(settings["s3.region"]).toBe("us-2");
  expect(settings["storage.inline_threshold"]).toBe(0);
  expect(settings["s3.strict_region"]).toBe(false);
  expect(settings["history.window"]).toBe(3600);
  expect(settings["storage.reserve_bytes"]).toBe(7);
});

test("pickDataSettings: the part that workers obey, with its defaults", () => {
  const settings = pickDataSettings(resolveSettings({ stored: new Map(), overrides: {}, defaults: {} }));
  expect(settings["s3.region"]).toBe("us-east-1");
  expect(settings["security.signature_v2"]).toBe("presigned");
  expect(Object.keys(settings).every(isDataSettingName)).toBe(true);
});

test("isDataSettingName: only names of the table", () => {
  expect(isDataSettingName("s3.region")).toBe(true);
  expect(isDataSettingName("constructor")).toBe(false);
});
