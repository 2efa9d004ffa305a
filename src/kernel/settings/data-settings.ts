import type { DataSettings } from "../protocol/snapshot.ts";
import {
  booleanValue,
  domainValue,
  integerBetween,
  listOf,
  oneOf,
  textLike,
  type ValueParser,
} from "./value-parser.ts";

/** What is known about one dynamic setting. */
export interface SettingRule<V> extends ValueParser<V> {
  readonly description: string;
  /** What the value is called in the help text. */
  readonly placeholder: string;
  readonly fallback: V;
}

/** Name of a dynamic setting that the data plane obeys. */
export type DataSettingName = keyof DataSettings;

/** Some settings, given in place of stored ones. */
export type SettingOverrides = { readonly [N in DataSettingName]?: DataSettings[N] };

const gibibyte = 2 ** 30;

/** The least free space kept on a disk, bytes; on larger disks it is 1 % of the disk. */
const minReserveBytes = 2 * gibibyte;

/** Description, bounds and default of each setting of the data plane. */
export const dataSettingRules: { readonly [N in DataSettingName]: SettingRule<DataSettings[N]> } = {
  "security.signature_v2": {
    ...oneOf("off", "presigned", "all"),
    description: "Where Signature Version 2 is accepted",
    placeholder: "off|presigned|all",
    fallback: "presigned",
  },
  "s3.region": {
    ...textLike(/^[A-Za-z0-9-]{1,32}$/, "1 to 32 letters, digits or hyphens"),
    description: "Region that the server calls its own",
    placeholder: "REGION",
    fallback: "us-east-1",
  },
  "s3.strict_region": {
    ...booleanValue,
    description: "Refuse signatures made for another region",
    placeholder: "true|false",
    fallback: false,
  },
  "s3.allow_sse_c_http": {
    ...booleanValue,
    description: "Accept customer-provided keys without TLS",
    placeholder: "true|false",
    fallback: false,
  },
  "server.s3_domains": {
    ...listOf(domainValue),
    description: "Base domains of virtual-host style requests",
    placeholder: "DOMAIN,...",
    fallback: [],
  },
  "server.max_connections_per_address": {
    ...integerBetween(0, 1_000_000, "connections"),
    description: "Most connections of one address over all workers, a proxy's count for all its clients; 0: any number",
    placeholder: "COUNT",
    fallback: 4096,
  },
  "system.max_upload_size_mb": {
    ...integerBetween(1, 5 * 1024 * 1024, "MiB"),
    description: "Largest body of one upload request, MiB",
    placeholder: "MIB",
    fallback: 5120,
  },
  "storage.inline_threshold": {
    ...integerBetween(0, 131_072, "bytes"),
    description: "Objects up to this size, bytes, are stored inside the catalog",
    placeholder: "BYTES",
    fallback: 65_536,
  },
  "storage.reserve_bytes": {
    ...integerBetween(0, 2 ** 50, "bytes"),
    description: "Free bytes to keep, at most half of the disk: below, writes are refused",
    placeholder: "BYTES",
    fallback: minReserveBytes,
  },
  "history.window": {
    ...integerBetween(3600, 30 * 86_400, "seconds"),
    description: "How long replaced and deleted bytes are kept before they are freed, seconds",
    placeholder: "SECONDS",
    fallback: 3600,
  },
};

/** Whether the text names a setting of the data plane. */
export function isDataSettingName(name: string): name is DataSettingName {
  return Object.hasOwn(dataSettingRules, name);
}

/**
 * The settings in force: overrides of the start over stored values over defaults.
 * @param stored text by name; unknown names are ignored (a newer release wrote them), as are values out of bounds.
 * @param diskBytes size of the file system of the data folder: the default reserve is 1 % of it, 2 GiB at least.
 */
export function resolveDataSettings(
  stored: ReadonlyMap<string, string>,
  overrides: SettingOverrides,
  diskBytes: number,
): DataSettings {
  const read = <N extends DataSettingName>(name: N, fallback = dataSettingRules[name].fallback): DataSettings[N] => {
    const override: DataSettings[N] | undefined = overrides[name];
    if (override !== undefined) return override;
    const text = stored.get(name);
    return (text === undefined ? undefined : dataSettingRules[name].parse(text)) ?? fallback;
  };
  return Object.freeze({
    "security.signature_v2": read("security.signature_v2"),
    "s3.region": read("s3.region"),
    "s3.strict_region": read("s3.strict_region"),
    "s3.allow_sse_c_http": read("s3.allow_sse_c_http"),
    "server.s3_domains": read("server.s3_domains"),
    "server.max_connections_per_address": read("server.max_connections_per_address"),
    "system.max_upload_size_mb": read("system.max_upload_size_mb"),
    "storage.inline_threshold": read("storage.inline_threshold"),
    "storage.reserve_bytes": read("storage.reserve_bytes", Math.max(minReserveBytes, Math.floor(diskBytes / 100))),
    "history.window": read("history.window"),
  });
}
