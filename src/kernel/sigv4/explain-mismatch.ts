import { redactSignedText } from "./redact-signed-text.ts";

/** What one side computed a signature over; Unicode. */
export interface SignedTexts {
  /** Absent where it is not known; SigV2 has none. */
  readonly canonicalRequest?: string | undefined;
  readonly stringToSign?: string | undefined;
}

/** Why two signatures differ, most likely, and what to do. */
export const mismatchCauses = {
  hostRewritten: "Host arrived with another value: a proxy rewrote it; let the proxy pass on the client's Host",
  pathEncodedTwice: "The path is encoded once more on one side: S3 signs the path encoded once",
  path: "The path differs: a proxy rewrote it, or the client encodes or normalises it in another way",
  query: "The query differs: a proxy changed it, or the client does not sort and encode it as SigV4 does",
  method: "The method differs: a proxy or a redirect changed it",
  headerDropped: "A signed header did not arrive: a proxy dropped it",
  headerChanged: "A signed header arrived with another value: a proxy changed it, or the client signed another one",
  headersListed: "The list of signed headers is not the one that the request names",
  clock: "The time differs: the client signs with another time than it sends; take both from one reading of the clock",
  region: "The credential scope names another region than the client signed with",
  scope: "The credential scope names another service or date than the client signed with",
  payload:
    "The hash of the payload differs: the client signed another body, or another x-amz-content-sha256, than it sends",
  algorithm: "The first line must be the algorithm that the request names",
  hash: "The canonical requests are equal, their digests are not: the client hashes other bytes than it shows (line ends, encoding)",
  canonicalRequest: "The canonical requests differ: compare the client's own to see where",
  text: "The string to sign differs: a proxy changed the request, or the client writes it down in another way",
  malformed:
    "The text is no canonical request: method, path, query, headers, an empty line, their names, and the payload's hash",
  secret:
    "Everything shown is equal: the secret key is not the one of this access key, or the signing key is derived in another way",
} as const;

/** A key of `mismatchCauses`. */
export type MismatchCause = keyof typeof mismatchCauses;

/** The first place where two texts differ; null for what one side does not have. */
export interface MismatchDifference {
  readonly text: "canonicalRequest" | "stringToSign";
  /** Such as `path`, or `header host`. */
  readonly part: string;
  readonly server: string | null;
  readonly client: string | null;
}

/** What comparing found. */
export interface ExplainedMismatch {
  /** Null when everything that both sides show is equal. */
  readonly difference: MismatchDifference | null;
  readonly cause: MismatchCause;
}

/**
 * Compares what the server signed with what the client says that it signed, the canonical request first. Line ends of pasted text
 * do not count. Secrets are compared by digests. @param server as kept: without secrets
 */
export function explainMismatch(server: SignedTexts, client: SignedTexts): ExplainedMismatch {
  const pasted = { canonicalRequest: tidy(client.canonicalRequest), stringToSign: tidy(client.stringToSign) };
  const byRequest =
    server.canonicalRequest !== undefined && pasted.canonicalRequest !== undefined
      ? compareRequests(server.canonicalRequest, redactSignedText(pasted.canonicalRequest))
      : undefined;
  if (byRequest !== undefined) return byRequest;
  const byText =
    server.stringToSign !== undefined && pasted.stringToSign !== undefined
      ? compareStrings(server.stringToSign, redactSignedText(pasted.stringToSign))
      : undefined;
  // Without the client's canonical request its digest alone says that it differs.
  if (byText?.cause === "hash" && pasted.canonicalRequest === undefined)
    return { ...byText, cause: "canonicalRequest" };
  return byText ?? { difference: null, cause: "secret" };
}

function tidy(text: string | undefined): string | undefined {
  return text?.replaceAll("\r\n", "\n").replace(/\n+$/, "");
}

interface CanonicalParts {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly names: string;
  readonly payload: string;
}

function parseCanonical(text: string): CanonicalParts | undefined {
  const lines = text.split("\n");
  const gap = lines.indexOf("", 3);
  const [method, path, query] = lines;
  const [names, payload, ...more] = lines.slice(gap + 1);
  if (gap < 0 || method === undefined || path === undefined || query === undefined) return undefined;
  if (names === undefined || payload === undefined || more.length > 0) return undefined;
  const headers = lines.slice(3, gap).map((line): [string, string] => {
    const colon = line.indexOf(":");
    return colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1)];
  });
  return { method, path, query, headers: new Map(headers), names, payload };
}

function compareRequests(serverText: string, clientText: string): ExplainedMismatch | undefined {
  if (serverText === clientText) return undefined;
  const server = parseCanonical(serverText);
  const client = parseCanonical(clientText);
  if (server === undefined || client === undefined) return { difference: null, cause: "malformed" };
  const found = (part: string, cause: MismatchCause, [server, client]: readonly [string | null, string | null]) => {
    return { difference: { text: "canonicalRequest", part, server, client }, cause } as const;
  };
  if (server.method !== client.method) return found("method", "method", [server.method, client.method]);
  if (server.path !== client.path) {
    const isTwice = isEncodedOnceMore(server.path, client.path) || isEncodedOnceMore(client.path, server.path);
    return found("path", isTwice ? "pathEncodedTwice" : "path", [server.path, client.path]);
  }
  if (server.query !== client.query) return found("query", "query", [server.query, client.query]);
  for (const name of new Set([...server.headers.keys(), ...client.headers.keys()])) {
    const values = [server.headers.get(name) ?? null, client.headers.get(name) ?? null] as const;
    if (values[0] !== values[1]) return found(`header ${name}`, causeOfHeader(name, values), values);
  }
  if (server.names !== client.names) return found("signed headers", "headersListed", [server.names, client.names]);
  if (server.payload !== client.payload) return found("payload hash", "payload", [server.payload, client.payload]);
  // The same headers in another order.
  return found("headers", "headersListed", [
    [...server.headers.keys()].join(";"),
    [...client.headers.keys()].join(";"),
  ]);
}

function causeOfHeader(name: string, [server, client]: readonly [string | null, string | null]): MismatchCause {
  if (server === null || client === null) return "headersListed";
  if (name === "host") return "hostRewritten";
  // The server writes down every header that the request names, without a value when it did not come.
  if (server === "") return "headerDropped";
  if (name === "x-amz-date" || name === "date") return "clock";
  return name === "x-amz-content-sha256" ? "payload" : "headerChanged";
}

/** Whether `more` is what becomes of `once` when its percent signs are encoded again. */
function isEncodedOnceMore(once: string, more: string): boolean {
  return once !== more && once.replaceAll("%", "%25") === more;
}

const parts = ["algorithm", "time", "credential scope", "digest of the canonical request"] as const;

function compareStrings(serverText: string, clientText: string): ExplainedMismatch | undefined {
  if (serverText === clientText) return undefined;
  const server = serverText.split("\n");
  const client = clientText.split("\n");
  const index = server.findIndex((line, place) => line !== client[place]);
  const place = index < 0 ? server.length : index;
  const difference: MismatchDifference = {
    ...{ text: "stringToSign", part: parts[place] ?? `line ${place + 1}` },
    ...{ server: server[place] ?? null, client: client[place] ?? null },
  };
  if (server[0] !== "AWS4-HMAC-SHA256") return { difference, cause: "text" };
  const causes = ["algorithm", "clock", causeOfScope(server[2] ?? "", client[2] ?? ""), "hash"] as const;
  return { difference, cause: causes[place] ?? "text" };
}

function causeOfScope(server: string, client: string): MismatchCause {
  const [serverDate, serverRegion] = server.split("/");
  const [clientDate, clientRegion] = client.split("/");
  return serverDate === clientDate && serverRegion !== clientRegion ? "region" : "scope";
}
