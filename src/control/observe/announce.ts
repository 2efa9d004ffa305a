import type { ListenAddress } from "#kernel/settings/value-parser.ts";

/** The URL to open for an address that is listened on; `localhost` stands for all addresses. `port` replaces port 0. */
export function renderUrl({ host }: ListenAddress, port: number, scheme: "http" | "https" = "http"): string {
  if (host === "0.0.0.0" || host === "::") return `${scheme}://localhost:${port}`;
  return host.includes(":") ? `${scheme}://[${host}]:${port}` : `${scheme}://${host}:${port}`;
}

/** What `announceCredentials` shows. */
export interface Announcement {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretKey: string;
}

/**
 * Shows the generated key of the first administrator, on standard output for people, else on standard error. Not through the
 * log: logs are kept and sent on, and hold no secret.
 */
export function announceCredentials({ endpoint, accessKeyId, secretKey }: Announcement): void {
  const show = process.stdout.isTTY ? console.log : console.error;
  show(`
  The administrator's access key, shown this once:

    endpoint    ${endpoint}
    access key  ${accessKeyId}
    secret key  ${secretKey}
`);
}
