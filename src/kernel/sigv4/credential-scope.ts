import { RecentMap } from "./recent-map.ts";

/** What a signing key is bound to: a day, a region and a service. */
export interface CredentialScope {
  /** `yyyymmdd`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  /** `date/region/service/aws4_request`, third line of a string to sign. */
  readonly text: string;
}

/** An access key id with the scope it signed for. */
export interface Credential {
  readonly accessKeyId: string;
  readonly scope: CredentialScope;
}

// 128 characters is the longest access key id this server issues or takes.
const credentialPattern = /^([!-.0-~]{1,128})\/(\d{8})\/([A-Za-z0-9._-]{1,64})\/([A-Za-z0-9._-]{1,64})\/aws4_request$/;

// A client repeats its credential all day: parsing it once is enough.
const recentCredentials = new RecentMap<Credential>(1024);

/**
 * Reads `accessKeyId/yyyymmdd/region/service/aws4_request`.
 * @returns `undefined` when malformed: a part missing, a date that is not 8 digits, another terminator.
 */
export function parseCredential(text: string): Credential | undefined {
  const known = recentCredentials.get(text);
  if (known !== undefined) return known;
  const match = credentialPattern.exec(text);
  if (match === null) return undefined;
  const [, accessKeyId = "", date = "", region = "", service = ""] = match;
  const credential: Credential = {
    accessKeyId,
    scope: { date, region, service, text: text.slice(accessKeyId.length + 1) },
  };
  recentCredentials.set(text, credential);
  return credential;
}
