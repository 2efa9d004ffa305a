import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { parentPort, threadId } from "node:worker_threads";
import { listenShared } from "#data/listener/shared-port.ts";
import { selfSignedCertificate } from "./self-signed-certificate.ts";

/** A thread for the tests of the shared port: listens where it is told and answers every request with its number. */
function run(): void {
  const port = parentPort;
  port?.on("message", async (message: { port: number; tls: boolean }) => {
    const server = message.tls ? createTlsServer(selfSignedCertificate) : createServer();
    server.on("request", (_request, response) => response.end(String(threadId)));
    port.postMessage(await listenShared(server, { host: "127.0.0.1", port: message.port }));
  });
}

run();
