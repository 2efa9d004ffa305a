import { expect, test } from "bun:test";
import { isDataSettingName, resolveDataSettings } from "./data-settings.ts";

const tebibyte = 2 ** 40;

test("resolveDataSettings: defaults", () => {
  const settings = resolveDataSettings(new Map(), {}, 0);
  expect(settings["s3.region"]).toBe("us-east-1");
  expect(settings["history.window"]).toBe(3600);
  expect(settings["security.signature_v2"]).toBe("presigned");
});

test("resolveDataSettings: the reserve is 1 % of the disk, 2 GiB at least", () => {
  expect(resolveDataSettings(new Map(), {}, 2 ** 34)["storage.reserve_bytes"]).toBe(2 ** 31);
  expect(resolveDataSettings(new Map(), {}, tebibyte)["storage.reserve_bytes"]).toBe(Math.floor(tebibyte / 100));
  expect(resolveDataSettings(new Map([["storage.reserve_bytes", "5"]]), {}, tebibyte)["storage.reserve_bytes"]).toBe(5);
});

test("resolveDataSettings: overrides win over stored values; what is unknown or out of bounds is left out", () => {
  const stored = new Map([
    ["s3.region", "eu-1"],
    ["s3.strict_region", "yes"],
    ["history.window", "1"],
    ["from.the.future", "x"],
  ]);
  expect(resolveDataSettings(stored, {}, 0)["s3.region"]).toBe("eu-1");
  const settings = resolveDataSettings(stored, { "s3.region": "us-2", "storage.inline_threshold": 0 }, 0);
  expect(settings["s3.region"]).toBe("us-2");
  expect(settings["storage.inline_threshold"]).toBe(0);
  expect(settings["s3.strict_region"]).toBe(false);
  expect(settings["history.window"]).toBe(3600);
});

test("isDataSettingName: only names of the table", () => {
  expect(isDataSettingName("s3.region")).toBe(true);
  expect(isDataSettingName("constructor")).toBe(false);
});
