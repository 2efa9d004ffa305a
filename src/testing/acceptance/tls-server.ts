import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePorts, type ServerProcess, startServer } from "../server-process.ts";

/** A server that also listens with TLS. */
export interface TlsServer {
  readonly server: ServerProcess;
  readonly tlsPort: number;
  /** `https://127.0.0.1:...`, without a slash at the end. */
  readonly tlsEndpoint: string;
  /** The certificate, PEM: what clients must trust. */
  readonly certificatePath: string;
  /** Ends the server and removes its folders. */
  readonly remove: () => Promise<void>;
}

/** Starts a server with a certificate made for it, valid for 127.0.0.1 and localhost. @throws Error when openssl is missing. */
export async function startTlsServer(): Promise<TlsServer> {
  const folder = mkdtempSync(join(tmpdir(), "maxiofs-tls-"));
  const certificatePath = join(folder, "certificate.pem");
  const keyPath = join(folder, "key.pem");
  makeCertificate(certificatePath, keyPath);
  const [tlsPort] = await findFreePorts();
  const listen = ["--s3-tls-listen", `127.0.0.1:${tlsPort}`, "--tls-cert", certificatePath, "--tls-key", keyPath];
  const server = await startServer({ args: listen });
  const remove = async () => {
    await server.remove();
    rmSync(folder, { recursive: true, force: true });
  };
  return { server, tlsPort, tlsEndpoint: `https://127.0.0.1:${tlsPort}`, certificatePath, remove };
}

function makeCertificate(certificatePath: string, keyPath: string): void {
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const files = ["-subj", "/CN=localhost", "-addext", names, "-keyout", keyPath, "-out", certificatePath];
  const made = Bun.spawnSync(["openssl", ...kind, ...files], { stdout: "ignore", stderr: "pipe" });
  if (made.exitCode !== 0) throw new Error(`openssl made no certificate: ${made.stderr.toString()}`);
}
