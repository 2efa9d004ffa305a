import { afterAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { derivedSeries, futureSeries, series, seriesPrefix } from "#kernel/metrics/series.ts";
import { startServer } from "../server-process.ts";
import { BucketClient } from "./bucket-client.ts";
import { hasTool } from "./client-tool.ts";
import { createUpload } from "./multipart-upload.ts";
import { type PrometheusProcess, startPrometheus } from "./prometheus-process.ts";
import { clientOf } from "./s3-client.ts";
import { seededBytes } from "./test-data.ts";

const root = resolve(import.meta.dirname, "../../..");
const isMissing = !hasTool("prometheus");
const token = "scrape-token-of-the-acceptance-test-0001";
const docsUrl = "https://docs.example.org/maxiofs/";
const server = await startServer({ workers: 2 });
const s3 = clientOf(server);
const instance = `127.0.0.1:${server.consolePort}`;
const buckets = ["first", "second"];
const declared = Object.values({ ...series, ...derivedSeries });
const prometheus: PrometheusProcess | undefined = isMissing ? undefined : await startScraping();
afterAll(async () => {
  await prometheus?.remove();
  s3.close();
  await server.remove();
});

/** Alerts whose series do not exist yet, with the missing feature. */
const futureAlerts = {
  HighReplicationLag: "replication",
  NotificationQueueLong: "event notifications",
  ClusterNodeDown: "the cluster",
};
/** Panels whose series do not exist yet, by board and title. */
const futurePanels: Readonly<Record<string, string>> = {};

/** The rules as they are imported, but judged every second and without the time that a condition must last. */
function readRules(): Record<string, string> {
  const names = readdirSync(join(root, "alerts")).filter((name) => /^maxiofs-.*\.yml$/.test(name));
  return Object.fromEntries(
    names.map((name) => {
      const text = readFileSync(join(root, "alerts", name), "utf8");
      return [
        name,
        text
          .replaceAll(/^( +)interval: \w+$/gm, "$1interval: 1s")
          .replaceAll(/^( +)for: \w+$/gm, "$1for: 0s")
          .replaceAll("runbook_url: docs/", `runbook_url: ${docsUrl}docs/`),
      ];
    }),
  );
}

function startScraping(): Promise<PrometheusProcess> {
  const config = readFileSync(join(root, "alerts/prometheus.example.yml"), "utf8")
    .replace("scrape_interval: 15s", "scrape_interval: 1s\n  scrape_timeout: 1s")
    .replace("# authorization:", "authorization:")
    .replace("127.0.0.1:9001", instance);
  return startPrometheus({ config, files: { ...readRules(), "maxiofs-token": `${token}\n` } });
}

function running(): PrometheusProcess {
  if (prometheus === undefined) throw new Error("Prometheus is missing");
  return prometheus;
}

async function change(settings: Readonly<Record<string, unknown>>): Promise<void> {
  const response = await server.adminFetch("/api/v1/settings", {
    method: "PATCH",
    headers: { "content-type": "application/json", "if-match": "*" },
    body: JSON.stringify(settings),
  });
  if (!response.ok) throw new Error(`Changing settings answered ${response.status}: ${await response.text()}`);
}

/** Reads, writes, listings, copies, parts, mistakes and refusals, in two buckets. */
async function load(round: number): Promise<void> {
  for (const name of buckets) {
    const bucket = new BucketClient(s3, name);
    await bucket.put(`k${round}`, seededBytes(200_000, round));
    await bucket.get(`k${round}`);
    await bucket.get("absent");
    await bucket.head(`k${round}`);
    await bucket.list("list-type=2");
    await bucket.put("copy", "", { "x-amz-copy-source": `/${name}/k${round}` });
    await bucket.delete("copy");
    await bucket.send("k", { method: "GET", credentials: null });
    await bucket.send("k", { method: "GET", credentials: { ...server.credentials, secretKey: "wrong/wrong/wrong" } });
    await bucket.put("spoilt", "x", { "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" });
    const upload = await createUpload(bucket, "parts");
    const { headers } = await upload.put(1, "one part");
    await upload.complete([{ number: 1, etag: headers["etag"] ?? "" }]);
  }
  const authorization = `Basic ${btoa("AKIANOBODY0000000000:wrong")}`;
  await fetch(`http://${instance}/api/v1/settings`, { headers: { authorization } });
}

/** Asks until the answer fits. @returns the last one */
async function askUntil<T>(ask: () => Promise<T>, fits: (found: T) => boolean): Promise<T> {
  for (let wait = 0; wait < 80; wait++) {
    const found = await ask();
    if (fits(found)) return found;
    await Bun.sleep(250);
  }
  return ask();
}

/** Names of our series in a query, without the endings of histograms. */
function seriesOf(query: string): string[] {
  const names = [...query.matchAll(/\bmaxiofs_([a-z0-9_]+)/g)].map(([, name = ""]) => name);
  return [...new Set(names.map((name) => (isDeclared(name) ? name : name.replace(/_(bucket|sum|count)$/, ""))))];
}

function isDeclared(name: string): boolean {
  return name in futureSeries || declared.some((each) => each.name === name);
}

/** The features without which a query finds nothing. */
function missingFeatures(query: string): string[] {
  return [...new Set(seriesOf(query).flatMap((name) => futureSeries[name] ?? []))];
}

/** Labels that a query names: in matchers and in `by` and `on`. */
function labelsOf(query: string): Set<string> {
  const matched = [...query.matchAll(/\{([^}]*)\}/g)].flatMap(([, text = ""]) => [...text.matchAll(/(\w+)\s*[=!]/g)]);
  const grouped = [...query.matchAll(/\b(?:by|on|ignoring|without) \(([^)]*)\)/g)].flatMap(([, text = ""]) =>
    text.split(","),
  );
  return new Set([...matched.map(([, name = ""]) => name), ...grouped.map((name) => name.trim())]);
}

/** Queries of all boards with the variables as Grafana fills them in, `$instance` once as "All" and once chosen. */
function readPanels(): { readonly panel: string; readonly query: string }[] {
  const folder = join(root, "grafana/dashboards");
  return readdirSync(folder).flatMap((file) =>
    JSON.parse(readFileSync(join(folder, file), "utf8")).panels.flatMap(
      ({ title, targets }: { readonly title: string; readonly targets: readonly { readonly expr: string }[] }) =>
        targets.flatMap(({ expr }) =>
          [".*", instance.replaceAll(".", "\\\\.")].map((chosen) => ({
            panel: `${file}: ${title}`,
            query: fillIn(expr, chosen),
          })),
        ),
    ),
  );
}

function fillIn(expression: string, chosen: string): string {
  return expression
    .replaceAll(/\$(instance\b|\{instance[^}]*\})/g, chosen)
    .replaceAll(/\$(__rate_interval\b|\{__rate_interval\})/g, "15s")
    .replaceAll(/\$(__interval\b|\{__interval\})/g, "5s")
    .replaceAll(/\$(__range\b|\{__range\})/g, "15m");
}

test.skipIf(isMissing)(
  "prometheus: scrapes with the token and with no other",
  async () => {
    await change({ "metrics.allow_from": [], "metrics.token": token });
    for (const name of buckets) await s3.createBucket(name);
    expect((await fetch(`http://${instance}/metrics`)).ok).toBe(false);
    const found = await askUntil(
      () => running().query('up{job="maxiofs"}'),
      (each) => each[0]?.value === 1,
    );
    expect(found).toEqual([{ labels: { __name__: "up", instance, job: "maxiofs" }, value: 1 }]);
  },
  30_000,
);

test.skipIf(isMissing)(
  "prometheus: no panel of a feature that exists is empty",
  async () => {
    for (let round = 0; round < 6; round++) {
      await load(round);
      await Bun.sleep(700);
    }
    const panels = readPanels();
    expect(panels.length).toBeGreaterThan(30);
    const future = panels.filter(({ query }) => missingFeatures(query).length > 0);
    expect(Object.fromEntries(future.map(({ panel, query }) => [panel, missingFeatures(query).join()]))).toEqual(
      futurePanels,
    );
    const findEmpty = async () => {
      const isEmpty = async ({ query }: { readonly query: string }) =>
        (await running().query(query)).every(({ value }) => Number.isNaN(value));
      const empty = await Promise.all(panels.map(async (each) => ((await isEmpty(each)) ? [each] : [])));
      return empty.flat().filter(({ query }) => missingFeatures(query).length === 0);
    };
    expect(await askUntil(findEmpty, ({ length }) => length === 0)).toEqual([]);
    expect(await running().labelValues("instance", "maxiofs_worker_up")).toEqual([instance]);
  },
  60_000,
);

test.skipIf(isMissing)(
  "prometheus: stored series are the declared ones with their labels, none of a missing feature",
  async () => {
    const stored = await running().labelValues("__name__", `{job="maxiofs",__name__=~"${seriesPrefix}.+"}`);
    expect(stored.filter((name) => seriesOf(name).some((each) => each in futureSeries || !isDeclared(each)))).toEqual(
      [],
    );
    for (const { name, type, labels } of declared) {
      const sample = `${seriesPrefix}${name}${type === "histogram" ? "_count" : ""}`;
      expect([sample, stored.includes(sample)]).toEqual([sample, true]);
      const [found] = await running().query(sample);
      const own = Object.keys(found?.labels ?? {}).filter((label) => !["__name__", "instance", "job"].includes(label));
      expect([sample, own.sort()]).toEqual([sample, [...labels].sort()]);
    }
  },
  30_000,
);

test.skipIf(isMissing)(
  "prometheus: every rule is healthy, every recording finds something, every label exists",
  async () => {
    const rules = await askUntil(
      () => running().rules(),
      (each) => each.every(({ health }) => health === "ok"),
    );
    expect(rules.filter(({ health, lastError }) => health !== "ok" || (lastError ?? "") !== "")).toEqual([]);
    const future = rules.filter(({ query }) => missingFeatures(query).length > 0);
    expect(Object.fromEntries(future.map(({ name, query }) => [name, missingFeatures(query).join()]))).toEqual(
      futureAlerts,
    );
    const recordings = rules.filter(({ type }) => type === "recording");
    expect(recordings.length).toBeGreaterThan(20);
    for (const { name, query } of recordings) {
      for (const asked of [name, query]) {
        const values = (await running().query(asked)).map(({ value }) => value);
        expect([asked, values.some((value) => !Number.isNaN(value))]).toEqual([asked, true]);
      }
    }
    for (const { name, query } of [...rules, ...readPanels().map(({ panel, query }) => ({ name: panel, query }))]) {
      const used = declared.filter((each) => seriesOf(query).includes(each.name));
      const known = new Set(["le", "job", "instance", ...used.flatMap(({ labels }) => [...labels])]);
      if (used.length > 0)
        expect([name, [...labelsOf(query)].filter((label) => !known.has(label))]).toEqual([name, []]);
    }
  },
  30_000,
);

test.skipIf(isMissing)(
  "prometheus: errors of the server, then its end, fire alerts that lead to the runbook",
  async () => {
    const firing = async () =>
      (await running().alerts()).filter(({ state }) => state === "firing").map(({ labels }) => labels["alertname"]);
    expect(await firing()).not.toContain("CriticalSuccessRate");
    await change({ "system.maintenance_mode": true });
    for (let round = 0; round < 12; round++)
      for (const name of buckets) await new BucketClient(s3, name).put("refused", "x");
    const found = await askUntil(firing, (names) => names.includes("CriticalSuccessRate"));
    expect(found).toContain("CriticalSuccessRate");
    expect(found).toContain("LowSuccessRate");
    expect(found).not.toContain("InstanceDown");
    await server.stop();
    expect(await askUntil(firing, (names) => names.includes("InstanceDown"))).toContain("InstanceDown");
    const down = (await running().alerts()).find(({ labels }) => labels["alertname"] === "InstanceDown");
    expect(down?.labels).toMatchObject({ instance, severity: "critical" });
    expect(down?.annotations).toEqual({
      summary: `${instance} cannot be scraped`,
      runbook_url: `${docsUrl}docs/runbooks.md#instancedown`,
    });
  },
  60_000,
);
