import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { type ServerProcess, startServer } from "../server-process.ts";
import { clientOf, type S3Client } from "./s3-client.ts";

let server: ServerProcess;
let s3: S3Client;
beforeAll(async () => {
  server = await startServer();
  s3 = clientOf(server);
});
afterAll(async () => {
  s3.close();
  await server.remove();
});

/** Files of buckets that the server process has open. */
function listOpenBucketFiles(): string[] {
  return readdirSync(`/proc/${server.pid}/fd`)
    .map((name) => {
      try {
        return readlinkSync(`/proc/${server.pid}/fd/${name}`);
      } catch {
        return "";
      }
    })
    .filter((path) => path.includes("/buckets/"));
}

test.skipIf(process.platform !== "linux")(
  "DeleteBucket: every thread closes the bucket's files",
  async () => {
    for (let round = 0; round < 5; round++) {
      const bucket = await s3.createBucket(`short-lived-${round}`);
      // Several connections, so that every worker opens the catalog.
      const keys = Array.from({ length: 16 }, (_, index) => `k${index}`);
      await Promise.all(keys.map((key) => bucket.put(key, Buffer.alloc(100))));
      await Promise.all(keys.map((key) => bucket.get(key)));
      await Promise.all(keys.map(() => bucket.list()));
      expect(listOpenBucketFiles().length).toBeGreaterThan(0);
      await Promise.all(keys.map((key) => bucket.delete(key)));
      expect((await bucket.sendToBucket({ method: "DELETE" })).status).toBe(204);
      expect(listOpenBucketFiles()).toEqual([]);
    }
  },
  30_000,
);
