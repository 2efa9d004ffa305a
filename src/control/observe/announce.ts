import type { ListenAddress } from "#kernel/settings/value-parser.ts";

/** The URL to open for an address that is listened on; `localhost` stands for all addresses. `port` replaces port 0. */
export function renderUrl({ host }: ListenAddress, port: number, scheme: "http" | "https" = "http"): string {
  if (host === "0.0.0.0" || host === "::") return `${scheme}://localhost:${port}`;
  return host.includes(":") ? `${scheme}://[${host}]:${port}` : `${scheme}://${host}:${port}`;
}

/** What `announceFirstAdministrator` shows. */
export interface Announcement {
  /** URL of S3. */
  readonly endpoint: string;
  /** URL of the console. */
  readonly url: string;
  /** Shown when it was generated. */
  readonly key: { readonly accessKeyId: string; readonly secretKey: string; readonly generated: boolean } | undefined;
  /** A generated password; undefined when there is none to show. */
  readonly logIn: { readonly userName: string; readonly password: string } | undefined;
}

/**
 * Shows what was generated for the first administrator, on standard output for people, else on standard error. Not through the
 * log: logs are kept and sent on, and hold no secret.
 */
export function announceFirstAdministrator({ endpoint, url, key, logIn }: Announcement): void {
  const show = process.stdout.isTTY ? console.log : console.error;
  if (key?.generated) {
    show(`
  The administrator's access key, shown this once:

    endpoint    ${endpoint}
    access key  ${key.accessKeyId}
    secret key  ${key.secretKey}
`);
  }
  if (logIn === undefined) return;
  show(`
  The administrator's log-in, shown this once. It works for 72 hours; the first log-in changes the password:

    console     ${url}
    user        ${logIn.userName}
    password    ${logIn.password}
`);
}
