import { afterAll, test } from "bun:test";
import { hasPythonModule } from "./client-tool.ts";
import { expectChecks, runPython } from "./python-client.ts";
import { startTlsServer } from "./tls-server.ts";

const isMissing = !hasPythonModule("boto3");
const { server, tlsEndpoint, certificatePath, remove } = await startTlsServer();
const { credentials } = server;
afterAll(remove);

test.skipIf(isMissing)(
  "boto3 over HTTP: objects, keys, pages, transfers, checksums, presigned URLs and buckets",
  async () => expectChecks(await runPython("boto3-scenario.py", { endpoint: server.endpoint, credentials }), 40),
  180_000,
);

test.skipIf(isMissing)(
  "boto3 over TLS: the same with trailing checksums",
  async () => {
    const target = { endpoint: tlsEndpoint, credentials, certificatePath };
    expectChecks(await runPython("boto3-scenario.py", target, "boto3-tls"), 40);
  },
  180_000,
);
