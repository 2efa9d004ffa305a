/** Signed S3 requests of k6, every answer judged. Source of the signature: AWS Signature Version 4. */
import { hmac, sha256 } from "k6/crypto";
import http, { type RefinedResponse } from "k6/http";
import { Counter } from "k6/metrics";
import type { Content } from "./content.ts";

/** One request below the bucket. */
export interface S3Request {
  /** S3's name of the operation: the tag of every series. */
  readonly operation: string;
  readonly method: "GET" | "PUT" | "POST" | "DELETE" | "HEAD";
  /** Key of ASCII letters, digits and `-._~/`; empty for the bucket. */
  readonly key: string;
  /** Unencoded names and values. */
  readonly query?: Readonly<Record<string, string>>;
  /** Lower-case names; those of S3 are signed. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Content;
  /** True for answers that are XML; the body is bytes otherwise. */
  readonly isText?: boolean;
  /** Statuses that are right, default 200. */
  readonly expected?: readonly number[];
}

/** What came back. */
export type S3Answer = RefinedResponse<"binary" | "text">;

const endpoint = (__ENV["MAXIOFS_K6_ENDPOINT"] ?? "").replace(/\/$/, "");
const bucket = __ENV["MAXIOFS_K6_BUCKET"] ?? "";
const accessKey = __ENV["MAXIOFS_K6_ACCESS_KEY"] ?? "";
const secretKey = __ENV["MAXIOFS_K6_SECRET_KEY"] ?? "";
const region = __ENV["MAXIOFS_K6_REGION"] ?? "us-east-1";
const host = endpoint.replace(/^https?:\/\//, "");
const emptySha256 = sha256("", "hex");
/** Of an error's document. */
const maxShownBytes = 1000;

/** Answers with another status than expected, or none. */
const wrongAnswers = new Counter("wrong_answers");
/** Bodies, ranges and lists that are not what was stored. */
const wrongBytes = new Counter("wrong_bytes");

let signingKey: { day: string; key: ArrayBuffer } | undefined;

/** Sends a request, signed, and counts a wrong status. */
export function send(request: S3Request): S3Answer {
  const { operation, method, key, body } = request;
  const path = `/${bucket}${key === "" ? "" : `/${key}`}`;
  const query = canonicalQuery(request.query ?? {});
  const sent = request.headers ?? {};
  const headers = { ...sent, ...sign({ method, path, query, sent, sha256: body?.sha256 ?? emptySha256 }) };
  const url = `${endpoint}${path}${query === "" ? "" : `?${query}`}`;
  const answer = http.request(method, url, body?.bytes ?? null, {
    headers,
    responseType: request.isText ? "text" : "binary",
    tags: { name: operation, operation },
  });
  if (!(request.expected ?? [200]).includes(answer.status)) {
    wrongAnswers.add(1, { operation });
    console.error(`${operation} ${path} answered ${answer.status} ${answer.error}: ${textOf(answer).slice(0, 300)}`);
  }
  return answer;
}

/** Counts a body that is not the wanted one. Nothing is said of answers without one: `send` has counted them. */
export function expectBody(answer: S3Answer, wantedSha256: string): void {
  if (answer.status !== 200 && answer.status !== 206) return;
  const { body } = answer;
  if (body === null || typeof body === "string" || sha256(body, "hex") !== wantedSha256)
    expectTrue(false, `bytes of ${answer.url}`);
}

/** Counts what is not as it must be. */
export function expectTrue(isRight: boolean, what: string): void {
  if (isRight) return;
  wrongBytes.add(1);
  console.error(`wrong ${what}`);
}

/** Body of an answer as text, one character per byte where it came as bytes. */
export function textOf({ body }: S3Answer): string {
  if (body === null || typeof body === "string") return body ?? "";
  return Array.from(new Uint8Array(body).subarray(0, maxShownBytes), (byte) => String.fromCharCode(byte)).join("");
}

/** Text of the first element of this name, or empty. */
export function elementText(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? "";
}

/** A key of the suite's bucket as `x-amz-copy-source`. */
export function copySource(key: string): string {
  return `/${bucket}/${key}`;
}

function sign(request: {
  method: string;
  path: string;
  query: string;
  sent: Readonly<Record<string, string>>;
  sha256: string;
}): Record<string, string> {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const day = time.slice(0, 8);
  const scope = `${day}/${region}/s3/aws4_request`;
  const fixed = { host, "x-amz-content-sha256": request.sha256, "x-amz-date": time };
  const signed = Object.entries({ ...request.sent, ...fixed })
    .filter(([name]) => name === "host" || name.startsWith("x-amz-"))
    .sort(([one], [other]) => (one < other ? -1 : 1));
  const signedHeaders = signed.map(([name]) => name).join(";");
  const head = signed.map(([name, value]) => `${name}:${value}\n`).join("");
  const canonical = [request.method, request.path, request.query, head, signedHeaders, request.sha256].join("\n");
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical, "hex")}`;
  const signature = hmac("sha256", keyOf(day), toSign, "hex");
  return {
    "x-amz-content-sha256": request.sha256,
    "x-amz-date": time,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`,
  };
}

function keyOf(day: string): ArrayBuffer {
  if (signingKey?.day === day) return signingKey.key;
  const parts = [region, "s3", "aws4_request"];
  const first = hmac("sha256", `AWS4${secretKey}`, day, "binary");
  const key = parts.reduce((previous, part) => hmac("sha256", previous, part, "binary"), first);
  signingKey = { day, key };
  return key;
}

function canonicalQuery(query: Readonly<Record<string, string>>): string {
  return Object.keys(query)
    .sort()
    .map((name) => `${encode(name)}=${encode(query[name] ?? "")}`)
    .join("&");
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
