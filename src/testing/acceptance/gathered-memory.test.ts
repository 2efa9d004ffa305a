import { afterAll, expect, test } from "bun:test";
import { maxFormBytes, maxFormsBytes, maxFormsShare } from "#data/http/read-form.ts";
import { maxGatheredBytes } from "#data/request/body-budget.ts";
import { startServer } from "../server-process.ts";
import { openConnection } from "./raw-connection.ts";
import { clientOf, type S3Client } from "./s3-client.ts";
import { seededBytes } from "./test-data.ts";

const server = await startServer({ workers: 1 });
const s3 = clientOf(server);
const bucket = await s3.createBucket("gathered");
afterAll(async () => {
  s3.close();
  await server.remove();
});

/** Ten documents, more than the 64 MiB of a worker, whose ends are sent a byte a second. */
async function sendEndlessDocuments(sender: S3Client) {
  const document = Buffer.alloc(7 * 2 ** 20, "<Delete>");
  const { head } = sender.prepare({
    method: "POST",
    target: "/gathered?delete",
    headers: { "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" },
    body: document,
  });
  const connections = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const connection = await openConnection({ port: server.s3Port });
      await connection.write(head);
      await connection.write(document.subarray(0, -100));
      return connection;
    }),
  );
  const drip = setInterval(() => {
    for (const connection of connections) if (!connection.ended) void connection.write("x");
  }, 1_000);
  return {
    countCut: () => connections.filter(({ ended }) => ended).length,
    stop: () => {
      clearInterval(drip);
      for (const connection of connections) connection.destroy();
    },
  };
}

test("gathered memory: documents that never end are cut when a small object finds no room", async () => {
  const documents = await sendEndlessDocuments(s3);
  try {
    await Bun.sleep(1_000);
    const body = seededBytes(4_096, 1);
    expect((await bucket.put("small", body)).status).toBe(200);
    expect((await bucket.get("small")).body.equals(body)).toBe(true);
    expect(documents.countCut()).toBeGreaterThan(0);
  } finally {
    documents.stop();
  }
}, 40_000);

test("gathered memory: documents of another tenant that never end keep no small object waiting", async () => {
  const { tenantId } = await makeThing("tenants", { slug: "acme" });
  await makeThing(`tenants/${tenantId}/users`, { name: "slow" });
  const other = clientOf(server, await makeThing(`tenants/${tenantId}/access-keys`, { userName: "slow" }));
  const documents = await sendEndlessDocuments(other);
  try {
    while ((await gatheredBytes()) < maxGatheredBytes / 2) await Bun.sleep(100);
    for (let index = 0; index < 20; index++) {
      expect((await bucket.put(`small-${index}`, seededBytes(4_096, index))).status).toBe(200);
      expect(await gatheredBytes()).toBeLessThanOrEqual((maxGatheredBytes * 3) / 4 + 4_096);
      await Bun.sleep(200);
    }
  } finally {
    documents.stop();
    other.close();
  }
}, 60_000);

/** What the gauge tells, a moment late. */
async function gatheredBytes(): Promise<number> {
  const scraped = await (await server.adminFetch("/metrics")).text();
  return Number(/maxiofs_worker_gathered_bytes\{worker="0"\} (\d+)\n/.exec(scraped)?.[1]);
}

async function makeThing(path: string, body: object) {
  const response = await server.adminFetch(`/api/v1/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(201);
  return response.json();
}

test("gathered memory: forms that never end take no room from objects, nor from forms of other keys", async () => {
  const slow = await server.createKey("slow-forms", []);
  const head = [
    ...["POST / HTTP/1.1", `Host: 127.0.0.1:${server.s3Port}`, "Content-Type: application/x-www-form-urlencoded"],
    `Authorization: AWS4-HMAC-SHA256 Credential=${slow.accessKeyId}/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}`,
    ...[`Content-Length: ${maxFormBytes}`, "", ""],
  ].join("\r\n");
  const count = (maxFormsBytes * maxFormsShare) / maxFormBytes + 8;
  const connections = await Promise.all(
    Array.from({ length: count }, async () => {
      const connection = await openConnection({ port: server.s3Port });
      await connection.write(head);
      await connection.write("a".repeat(maxFormBytes - 1));
      return connection;
    }),
  );
  try {
    const documents = await Promise.all(
      Array.from({ length: 20 }, (_, index) => bucket.put(`small-${index}`, seededBytes(4_096, index))),
    );
    expect(documents.map(({ status }) => status)).toEqual(documents.map(() => 200));
    // Forms take none of the room for objects.
    while ((await gatheredBytes()) > 0) await Bun.sleep(100);
    const body = "Action=GetCallerIdentity&Version=2011-06-15";
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    // Signed for another service, which is told once the form was read: it found room.
    const identity = await s3.send({ method: "POST", target: "/", body, headers });
    expect([identity.status, identity.text]).toEqual([400, expect.stringContaining("<Error>")]);
  } finally {
    for (const connection of connections) connection.destroy();
  }
  const unsigned = await openConnection({ port: server.s3Port });
  await unsigned.write(head.replace(/Authorization: [^\r]*\r\n/, ""));
  expect((await unsigned.readResponse("POST")).status).toBe(403);
  unsigned.destroy();
  const unknown = await openConnection({ port: server.s3Port });
  await unknown.write(head.replace(slow.accessKeyId, "AKIANOBODY"));
  expect((await unknown.readResponse("POST")).status).toBe(403);
  unknown.destroy();
}, 40_000);
