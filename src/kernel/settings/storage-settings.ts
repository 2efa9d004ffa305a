import { flagSetting, listSetting, numberSetting, optionalSetting, textSetting, wordSetting } from "./setting-rule.ts";
import { domainValue, networkValue, pathValue, textLike, urlValue } from "./value-parser.ts";

const day = 86_400;
const gibibyte = 2 ** 30;

/** The least free space kept on a disk, bytes; on larger disks it is 1 % of the disk. */
export const minReserveBytes = 2 * gibibyte;

/** The S3 port and how the server is reached. */
export const s3Settings = {
  "s3.region": {
    ...textSetting(
      "Region that the server calls its own",
      "us-east-1",
      textLike(/^[A-Za-z0-9-]{1,32}$/, "1 to 32 letters, digits or hyphens"),
    ),
    placeholder: "REGION",
  },
  "s3.strict_region": flagSetting("Refuse signatures made for another region", false),
  "s3.new_bucket_defaults": wordSetting("What a new bucket begins with", ["aws", "legacy"], "aws"),
  "s3.lifecycle_day_seconds": numberSetting("Length of a day for lifecycle rules, for tests only", {
    min: 1,
    max: day,
    unit: "seconds",
    fallback: day,
  }),
  "s3.allow_sse_c_http": flagSetting("Accept customer-provided keys without TLS", false),
  "s3.website_domain": optionalSetting("Base domain of static websites", domainValue),
  "server.s3_domains": {
    ...listSetting("Base domains of virtual-host style requests", domainValue),
    placeholder: "DOMAIN,...",
  },
  "server.max_connections_per_address": {
    ...numberSetting(
      "Most connections of one address over all workers, a proxy's count for all its clients; 0: any number",
      { min: 0, max: 1_000_000, unit: "connections", fallback: 4096 },
    ),
    placeholder: "COUNT",
  },
  "server.public_s3_url": optionalSetting("URL of the S3 port as clients see it", urlValue),
  "server.public_console_url": optionalSetting("URL of the console as browsers see it", urlValue),
  "server.trusted_proxies": listSetting("Proxies whose X-Forwarded-For is believed", networkValue),
} as const;

/** Objects, disks, recovery. */
export const storageSettings = {
  "storage.default_bucket_versioning": flagSetting("New buckets are versioned", false),
  "storage.default_object_lock_days": numberSetting("Retention that the console proposes", {
    min: 1,
    max: 36_500,
    unit: "days",
    fallback: 7,
  }),
  "storage.enable_compression": flagSetting("Compress objects before encryption where it pays", false),
  "storage.compression_level": numberSetting("Level of zstd", { min: 1, max: 19, fallback: 3 }),
  "storage.inline_threshold": numberSetting("Objects up to this size, bytes, are stored inside the catalog", {
    min: 0,
    max: 131_072,
    unit: "bytes",
    fallback: 65_536,
  }),
  "storage.reserve_bytes": numberSetting("Free bytes to keep, at most half of the disk: below, writes are refused", {
    min: 0,
    max: 2 ** 50,
    unit: "bytes",
    fallback: minReserveBytes,
  }),
  "system.maintenance_mode": flagSetting("Refuse S3 requests that change anything; reads go on", false),
  "system.max_upload_size_mb": numberSetting("Largest body of one upload request, MiB", {
    min: 1,
    max: 5 * 1024 * 1024,
    unit: "MiB",
    fallback: 5120,
  }),
  "system.disk_warning_threshold": numberSetting("A disk that is fuller gives a warning", {
    min: 1,
    max: 100,
    unit: "percent",
    fallback: 80,
  }),
  "system.disk_critical_threshold": numberSetting("A disk that is fuller gives a critical alert", {
    min: 1,
    max: 100,
    unit: "percent",
    fallback: 90,
  }),
  "history.window": numberSetting("How long replaced and deleted bytes are kept before they are freed, seconds", {
    min: 3600,
    max: 30 * day,
    unit: "seconds",
    fallback: 3600,
  }),
  "scrub.cycle_days": numberSetting("Every byte is read again within this time", {
    min: 1,
    max: 365,
    unit: "days",
    fallback: 30,
  }),
  "scrub.rate": numberSetting("Bytes read for that per second", {
    min: 1,
    max: 10_000,
    unit: "MiB per second",
    fallback: 20,
  }),
  "recovery.journal_sync": textSetting(
    "How often the journal of catalog changes is synced",
    "1",
    textLike(/^(?:commit|[1-9]\d{0,3})$/, "commit or a number of seconds from 1 to 9999"),
  ),
  "recovery.copies": wordSetting("What the recovery copies hold", ["all", "metadata"], "all"),
  "recovery.dir": optionalSetting("Folder of the recovery copies; beside the data when empty", pathValue),
  "backup.target": optionalSetting("Where backups go", urlValue),
  "backup.rpo": numberSetting("Longest time between two backups", {
    min: 60,
    max: 7 * day,
    unit: "seconds",
    fallback: 600,
  }),
  "backup.keep": textSetting(
    "How many hourly, daily, weekly and monthly backups are kept",
    "24h 7d 4w 12m",
    textLike(/^\d{1,4}h \d{1,4}d \d{1,4}w \d{1,4}m$/, "four counts such as 24h 7d 4w 12m"),
  ),
} as const;
