import { afterAll, expect, test } from "bun:test";
import { derivedSeries, futureSeries, series, seriesPrefix } from "#kernel/metrics/series.ts";
import { signRequest } from "../s3-signer.ts";
import { startServer } from "../server-process.ts";
import { clientOf } from "./s3-client.ts";
import { seededBytes } from "./test-data.ts";

const server = await startServer({ workers: 2 });
const s3 = clientOf(server);
const bucket = await s3.createBucket("measured");
afterAll(async () => {
  s3.close();
  await server.remove();
});

/** Values by name and sorted labels, such as `worker_up{worker="0"}`. */
type Scrape = ReadonlyMap<string, number>;

async function scrape(): Promise<Scrape> {
  const text = await (await fetch(`http://127.0.0.1:${server.consolePort}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith(seriesPrefix));
  return new Map(
    lines.map((line) => {
      const [, name = "", , labels, value] = /^maxiofs_([a-z0-9_]+)(\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const sorted = labels?.match(/\w+="[^"]*"/g)?.sort();
      return [sorted === undefined ? name : `${name}{${sorted.join(",")}}`, Number(value)];
    }),
  );
}

/** Waits for what threads tell once in a while. @returns the scrape that fits */
async function scrapeUntil(fits: (found: Scrape) => boolean): Promise<Scrape> {
  for (let wait = 0; wait < 150; wait++) {
    await Bun.sleep(100);
    const found = await scrape();
    if (fits(found)) return found;
  }
  return scrape();
}

/** Once no request is on its way to its counters: a client has its answer before the worker counts it. */
async function scrapeSettled(): Promise<Scrape> {
  const countRequests = (found: Scrape) =>
    [...found].reduce((sum, [name, value]) => (name.startsWith("http_requests_total{") ? sum + value : sum), 0);
  let last = await scrape();
  return scrapeUntil((found) => {
    const isSettled = countRequests(found) === countRequests(last);
    last = found;
    return isSettled;
  });
}

/** What a call adds to the values. */
async function moved(call: () => Promise<unknown>): Promise<(name: string) => number> {
  const before = await scrape();
  await call();
  const after = await scrapeSettled();
  return (name) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
}

test("http_* and s3_*: move with requests, by method, operation, bucket and outcome", async () => {
  const added = await moved(async () => {
    await bucket.put("k", seededBytes(3000, 1));
    await bucket.get("k");
    await bucket.get("absent");
  });
  const put = 'method="PUT",operation="PutObject"';
  const get = 'method="GET",operation="GetObject"';
  expect(added(`http_requests_total{${put},status="2xx"}`)).toBe(1);
  expect(added(`http_requests_total{${get},status="4xx"}`)).toBe(1);
  expect(added(`http_request_duration_seconds_count{${get}}`)).toBe(2);
  expect(added(`http_request_duration_seconds_sum{${get}}`)).toBeGreaterThan(0);
  expect(added(`http_request_size_bytes_sum{${put}}`)).toBe(3000);
  expect(added(`http_request_size_bytes_bucket{le="4096",${put}}`)).toBe(1);
  expect(added(`http_response_size_bytes_sum{${get}}`)).toBeGreaterThanOrEqual(3000);
  expect(added('s3_operations_total{bucket="measured",operation="PutObject",status="2xx"}')).toBe(1);
  expect(added('s3_operations_total{bucket="measured",operation="GetObject",status="4xx"}')).toBe(1);
  expect(added('s3_operation_duration_seconds_count{operation="PutObject"}')).toBe(1);
  expect(added('s3_errors_total{error_type="NoSuchKey",operation="GetObject"}')).toBe(1);
  expect(added('operation_count_total{operation="GetObject"}')).toBe(2);
  expect(added("object_size_bytes_sum")).toBe(3000);
  expect(added('object_size_bytes_bucket{le="4096"}')).toBe(1);
  expect(added('object_size_bytes_bucket{le="2048"}')).toBe(0);
});

test("storage_*, catalog_commit_batch_size: move with reads, writes, syncs, commits and removals of blobs", async () => {
  const body = seededBytes(1_000_000, 2);
  const added = await moved(async () => {
    await bucket.put("blob", body);
    await bucket.get("blob");
    await bucket.send("spoilt", { method: "PUT", body, headers: { "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" } });
  });
  for (const operation of ["read", "write", "fsync", "commit", "delete"]) {
    const labels = `operation="${operation}",status="ok"`;
    expect([operation, added(`storage_operations_total{${labels}}`) > 0]).toEqual([operation, true]);
    expect(added(`storage_operation_duration_seconds_count{${labels}}`)).toBeGreaterThan(0);
  }
  expect(added('catalog_commit_batch_size_count{worker="writer"}')).toBe(1);
  expect(added('operation_count_total{operation="CatalogCommit"}')).toBe(1);
  expect(added('operation_count_total{operation="BlobIO"}')).toBeGreaterThan(2);
});

test("auth_*: S3 signatures and log-ins at the console, right and wrong", async () => {
  // The document that answers are held against is asked for with a log-in of its own.
  await server.answers();
  const added = await moved(async () => {
    await bucket.get("k");
    await bucket.send("k", { method: "GET", credentials: { ...server.credentials, secretKey: "wrong/wrong/wrong" } });
    await bucket.send("k", { method: "GET", credentials: { accessKeyId: "AKIANOBODY0000000000", secretKey: "x" } });
    await bucket.send("k", { method: "GET", credentials: null });
    for (const secretKey of [server.credentials.secretKey, "wrong/wrong/wrong"]) {
      const body = "Action=GetCallerIdentity&Version=2011-06-15";
      const signed = signRequest({
        ...{ method: "POST", url: `${server.endpoint}/`, region: "us-east-1", date: new Date(), service: "sts" },
        ...{ ...server.credentials, secretKey, body: Buffer.from(body) },
        headers: { "content-type": "application/x-www-form-urlencoded" },
      });
      await fetch(`${server.endpoint}/`, { method: "POST", headers: signed, body });
    }
    const authorization = `Basic ${btoa("AKIANOBODY0000000000:wrong")}`;
    await fetch(`http://127.0.0.1:${server.consolePort}/api/v1/settings`, { headers: { authorization } });
    await server.adminFetch("/api/v1/settings");
  });
  expect(added('auth_attempts_total{method="sigv4",status="success"}')).toBe(2);
  expect(added('auth_attempts_total{method="sigv4",status="failure"}')).toBe(3);
  expect(added('auth_failures_total{method="sigv4",reason="SignatureDoesNotMatch"}')).toBe(2);
  expect(added('auth_failures_total{method="sigv4",reason="InvalidAccessKeyId"}')).toBe(1);
  expect(added('auth_attempts_total{method="basic",status="success"}')).toBe(1);
  expect(added('auth_failures_total{method="basic",reason="credentials"}')).toBe(1);
});

test("operation_latency_*, operation_success_rate_percent, throughput_*: of the last minute", async () => {
  for (let round = 0; round < 10; round++) await bucket.get("k");
  await Bun.sleep(250);
  const found = await scrape();
  const of = (name: string) => found.get(`${name}{operation="GetObject"}`) ?? -1;
  const [p50, p95, p99] = [50, 95, 99].map((rank) => of(`operation_latency_p${rank}_milliseconds`));
  expect(p50).toBeGreaterThan(0);
  expect(p95).toBeGreaterThanOrEqual(p50 ?? 0);
  expect(p99).toBeGreaterThanOrEqual(p95 ?? 0);
  expect(of("operation_latency_mean_milliseconds")).toBeGreaterThan(0);
  expect(of("operation_success_rate_percent")).toBe(100);
  for (const what of ["requests", "bytes", "objects"])
    expect(found.get(`throughput_${what}_per_second`)).toBeGreaterThan(0);
});

test("cache_*, system_*: the memory of objects and the machine", async () => {
  for (let round = 0; round < 4; round++) await bucket.get("k");
  const found = await scrapeUntil(
    (each) => (each.get('cache_hit_rate{cache="object"}') ?? 0) > 0 && each.has("system_cpu_usage_percent"),
  );
  expect(found.get('cache_hit_rate{cache="object"}')).toBeGreaterThan(0);
  expect(found.get('cache_hit_rate{cache="object"}')).toBeLessThanOrEqual(1);
  expect(found.get('cache_size_bytes{cache="object"}')).toBeGreaterThan(3000);
  for (const name of ["cpu", "memory", "disk"]) {
    expect(found.get(`system_${name}_usage_percent`)).toBeGreaterThan(0);
    expect(found.get(`system_${name}_usage_percent`)).toBeLessThanOrEqual(100);
  }
  // A worker may look at the disk anew between two lines of one scrape.
  const disk = (each: typeof found, what: string) => each.get(`system_disk_${what}_bytes`) ?? 0;
  await scrapeUntil(
    (each) => disk(each, "used") > 0 && disk(each, "used") === disk(each, "total") - disk(each, "free"),
  );
});

test("bucket_*, storage_*: objects and bytes of buckets, kept over a restart", async () => {
  const bucketCount = (await scrape()).get("storage_buckets_total") ?? 0;
  const own = await s3.createBucket("weighed");
  await own.put("a", seededBytes(1000, 3));
  await own.put("b", seededBytes(500, 4));
  const holds = (count: number) => (found: Scrape) => found.get('bucket_objects_total{bucket="weighed"}') === count;
  const before = await scrapeUntil((found) => holds(2)(found) && found.has("storage_bytes_total"));
  expect(before.get('bucket_bytes_total{bucket="weighed"}')).toBe(1500);
  expect(before.get("storage_objects_total")).toBe(2 + (before.get('bucket_objects_total{bucket="measured"}') ?? 0));
  expect([bucketCount > 0, before.get("storage_buckets_total")]).toEqual([true, bucketCount + 1]);
  await own.delete("a");
  expect(holds(1)(await scrapeUntil(holds(1)))).toBe(true);
  await server.stop();
  s3.close();
  await server.start();
  const after = await scrapeUntil((found) => holds(1)(found) && found.has("storage_bytes_total"));
  expect(after.get('bucket_bytes_total{bucket="weighed"}')).toBe(500);
  expect(after.get("storage_objects_total")).toBe(1 + (after.get('bucket_objects_total{bucket="measured"}') ?? 0));
}, 40_000);

test("background_*: collection of garbage is counted", async () => {
  const labels = 'status="ok",task_type="garbage"';
  const found = await scrapeUntil((each) => (each.get(`background_tasks_total{${labels}}`) ?? 0) > 0);
  expect(found.get(`background_tasks_total{${labels}}`)).toBeGreaterThan(0);
  expect(found.get(`background_task_duration_seconds_count{${labels}}`)).toBeGreaterThan(0);
}, 20_000);

test("metrics: every declared series has a type, none of a missing feature is exported", async () => {
  const text = await (await fetch(`http://127.0.0.1:${server.consolePort}/metrics`)).text();
  for (const { name, type } of Object.values({ ...series, ...derivedSeries }))
    expect(text).toContain(`# TYPE ${seriesPrefix}${name} ${type}\n`);
  for (const name of Object.keys(futureSeries)) expect(text).not.toContain(seriesPrefix + name);
});
