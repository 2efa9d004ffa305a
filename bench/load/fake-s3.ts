/**
 * A store in memory that speaks as much S3 as the load generator needs, to prove the generator itself. It checks no
 * signature; `damage` makes it wrong on purpose, so that a test sees the generator notice.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/** What to do wrong: nothing, one bit of each body, the ETag, the second key of each listing, or every second request refused. */
export type Damage = "none" | "body" | "etag" | "listing" | "refuse";

/** A listening fake. */
export interface FakeS3 {
  readonly port: number;
  /** By path without the query. */
  readonly objects: Map<string, Buffer>;
  close(): void;
}

/** Listens on a free port of the loopback interface. */
export async function openFakeS3(damage: Damage = "none"): Promise<FakeS3> {
  const objects = new Map<string, Buffer>();
  let requestCount = 0;
  const server = createServer((request, response) => {
    requestCount += 1;
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      if (damage === "refuse" && requestCount % 2 === 0) refuse(response, 503, "SlowDown");
      else answer({ request, response, body: Buffer.concat(pieces), objects, damage });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: portOf(server), objects, close: () => server.close() };
}

interface FakeRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
  readonly objects: Map<string, Buffer>;
  readonly damage: Damage;
}

function answer(fake: FakeRequest): void {
  const { request, response, body, objects, damage } = fake;
  const url = new URL(request.url ?? "/", "http://fake");
  if (url.searchParams.has("list-type")) {
    list(fake, url);
    return;
  }
  const name = url.pathname;
  if (request.method === "PUT") {
    objects.set(name, body);
    response.writeHead(200, { etag: damage === "etag" ? '"0"' : etagOf(body), "content-length": 0 }).end();
    return;
  }
  const stored = objects.get(name);
  if (stored === undefined) {
    refuse(response, 404, "NoSuchKey");
  } else if (request.method === "DELETE") {
    objects.delete(name);
    response.writeHead(204).end();
  } else {
    const sent = Buffer.from(stored);
    if (damage === "body") sent[sent.length - 1] = (sent.at(-1) ?? 0) ^ 1;
    response.writeHead(200, { etag: etagOf(stored), "content-length": stored.length });
    response.end(request.method === "HEAD" ? undefined : sent);
  }
}

function list(fake: FakeRequest, url: URL): void {
  const { objects, response, damage } = fake;
  const query = url.searchParams;
  const byFolder = query.has("delimiter");
  const after = query.get("continuation-token") ?? query.get("start-after") ?? "";
  const keys = [...objects.keys()].map((path) => path.slice(url.pathname.length + 1)).toSorted();
  const later = keys.filter((key) => key > after).map((key) => (byFolder ? `${key.slice(0, key.indexOf("/"))}/` : key));
  const names = [...new Set(later)];
  const page = names.slice(0, Number(query.get("max-keys")));
  if (damage === "listing") page.splice(1, 1);
  const last = byFolder ? `${page.at(-1)}~` : page.at(-1);
  const more = names.length > page.length && page.length > 0;
  const entries = page.map((name) =>
    byFolder ? `<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>` : `<Contents><Key>${name}</Key></Contents>`,
  );
  const next = more ? `<NextContinuationToken>${last}</NextContinuationToken>` : "";
  const xml = `<ListBucketResult><Prefix></Prefix><IsTruncated>${more}</IsTruncated>${next}${entries.join("")}</ListBucketResult>`;
  response.writeHead(200, { "content-length": xml.length }).end(xml);
}

function refuse(response: ServerResponse, status: number, code: string): void {
  const xml = `<Error><Code>${code}</Code></Error>`;
  response.writeHead(status, { "content-length": xml.length }).end(xml);
}

function etagOf(body: Buffer): string {
  return `"${new Bun.CryptoHasher("md5").update(body).digest("hex")}"`;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
