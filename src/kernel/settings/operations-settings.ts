import {
  flagSetting,
  listSetting,
  numberSetting,
  optionalSetting,
  secretSetting,
  textSetting,
  wordSetting,
} from "./setting-rule.ts";
import { domainValue, hostValue, networkValue, textLike, urlValue } from "./value-parser.ts";

const day = 86_400;

/** Loopback, private and link-local addresses. Source: RFC 1122, RFC 1918, RFC 3927, RFC 4193, RFC 4291. */
const privateNetworks = [
  "127.0.0.0/8",
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "169.254.0.0/16",
  "::1/128",
  "fc00::/7",
  "fe80::/10",
];

/** Whoever can reach the port may guess at it. */
const minMetricsTokenLength = 16;

const logLevels = ["debug", "info", "warn", "error"] as const;
const emailAddress = textLike(/^[^\s@<>",]{1,64}@[A-Za-z0-9.-]{1,255}$/, "an e-mail address");

/** What the server tells of itself. */
export const observeSettings = {
  "metrics.enabled": flagSetting("Answer /metrics", true),
  "metrics.collection_interval": numberSetting("How often the history of metrics gets a point", {
    min: 1,
    max: 3600,
    unit: "seconds",
    fallback: 10,
  }),
  "metrics.token": secretSetting("Bearer token that opens /metrics from every address", minMetricsTokenLength),
  "metrics.allow_from": listSetting("Addresses that may read /metrics without token", networkValue, privateNetworks),
  "logging.format": wordSetting("How log lines look", ["json", "text"], "json"),
  "logging.level": wordSetting("Least level that is logged", logLevels, "info"),
  "logging.include_caller": flagSetting("Lines name the place in the code they come from", false),
  "logging.access_enabled": flagSetting("Log a line for each S3 request, whatever the level", false),
  "logging.syslog_enabled": flagSetting("Send log lines to a syslog server", false),
  "logging.syslog_protocol": wordSetting("How the syslog server is spoken to", ["tcp", "udp", "tls"], "tcp"),
  "logging.syslog_host": optionalSetting("Host of the syslog server", hostValue),
  "logging.syslog_port": numberSetting("Port of the syslog server", { min: 1, max: 65_535, fallback: 514 }),
  "logging.syslog_tag": textSetting("Name of the server in syslog lines", "maxiofs"),
  "logging.http_enabled": flagSetting("Send log lines to a web address", false),
  "logging.http_url": optionalSetting("Web address that log lines are sent to", urlValue),
  "logging.http_auth_token": secretSetting("Bearer token for that address"),
  "logging.http_batch_size": numberSetting("Most lines in one request", { min: 1, max: 10_000, fallback: 100 }),
  "logging.http_flush_interval": numberSetting("Lines wait no longer than this", {
    min: 1,
    max: 3600,
    unit: "seconds",
    fallback: 10,
  }),
  "logging.frontend_enabled": flagSetting("Take log lines of the console", true),
  "logging.frontend_level": wordSetting("Least level of those lines", logLevels, "error"),
  "tracing.enabled": flagSetting("Trace requests and send the traces by OTLP", false),
  "tracing.otlp_url": optionalSetting("Receiver of OTLP over HTTP, without /v1/traces", urlValue),
  "tracing.auth_token": secretSetting("Bearer token for that receiver"),
  "tracing.sample_percent": numberSetting("Requests that are traced unless their caller decided", {
    min: 0,
    max: 100,
    unit: "percent",
    fallback: 1,
  }),
} as const;

/** What goes out: mail, events, replicas. */
export const outboundSettings = {
  "email.enabled": flagSetting("Send mail", false),
  "email.smtp_host": optionalSetting("Host of the mail server", domainValue),
  "email.smtp_port": numberSetting("Port of the mail server", { min: 1, max: 65_535, fallback: 587 }),
  "email.smtp_user": textSetting("User of the mail server", ""),
  "email.smtp_password": secretSetting("Password of that user"),
  "email.from_address": optionalSetting("Sender of the mail", emailAddress),
  "email.tls_mode": wordSetting("How the connection is protected", ["starttls", "tls", "none"], "starttls"),
  "outbound.allowed_ranges": listSetting("Private addresses that requests may go out to", networkValue),
  "log.max_rows": numberSetting("Rows of a bucket's log behind its slowest reader", {
    min: 1000,
    max: 10 ** 9,
    unit: "rows",
    fallback: 10_000_000,
  }),
  "log.max_age": numberSetting("Age of a bucket's log behind its slowest reader", {
    min: 60,
    max: 365 * day,
    unit: "seconds",
    fallback: 7 * day,
  }),
  "notification.max_age": numberSetting("Undelivered notifications are given up after this time", {
    min: 60,
    max: 30 * day,
    unit: "seconds",
    fallback: day,
  }),
  "replication.fail_after": numberSetting("A replica that is not made within this time has failed", {
    min: 60,
    max: 30 * day,
    unit: "seconds",
    fallback: day,
  }),
  "replication.rpo_minutes": numberSetting("A replica should be made within this time", {
    min: 1,
    max: 1440,
    unit: "minutes",
    fallback: 15,
  }),
  "replication.conditional_writes": wordSetting(
    "Conditional writes to buckets that two servers replicate both ways",
    ["refuse", "local"],
    "refuse",
  ),
} as const;
