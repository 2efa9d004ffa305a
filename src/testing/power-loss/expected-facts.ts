import { createHash } from "node:crypto";
import { applyAction, type Body, emptyStore, objectPath, type StoreState } from "./action.ts";
import type { ClientRecord } from "./record-run.ts";
import { bytesOf } from "./send-action.ts";

/** What can be seen of a store: lines such as `object b/k` with what is there. Equal stores have equal facts. */
export type Facts = ReadonlyMap<string, string>;

/** The facts that a client's part of the store may have after a crash: each is one whole state. */
export interface AllowedFacts {
  readonly client: string;
  /** First the state that was acknowledged, then, if a request was under way or still to come, the one after it. */
  readonly states: readonly Facts[];
}

/** Knows each client's states before and after each of its actions. */
export class ExpectedFacts {
  readonly #clients: readonly { readonly record: ClientRecord; readonly states: readonly Facts[] }[];

  constructor(clients: readonly ClientRecord[]) {
    this.#clients = clients.map((record) => ({ record, states: statesOf(record) }));
  }

  /** @param answered ids of all requests whose answer had begun to leave the server */
  allowed(answered: ReadonlySet<string>): AllowedFacts[] {
    return this.#clients.map(({ record, states }) => {
      const open = record.actions.findIndex(({ requestId }) => !answered.has(requestId));
      const acknowledged = open < 0 ? record.actions.length : open;
      return { client: record.name, states: states.slice(acknowledged, acknowledged + 2) };
    });
  }
}

/** Name of the fact that a bucket is there. */
export function bucketFact(bucket: string): string {
  return `bucket ${bucket}`;
}

/** Name of the fact that an object is there. */
export function objectFact(path: string): string {
  return `object ${path}`;
}

/** Name of the fact that an upload is open. */
export function uploadFact(path: string, uploadId: string): string {
  return `upload ${uploadId} of ${path}`;
}

/** What is to be seen of an object: its size and the SHA-256 of its bytes. */
export function describeObject(bytes: Uint8Array): string {
  return `${bytes.length} bytes, SHA-256 ${createHash("sha256").update(bytes).digest("hex")}`;
}

/** What is to be seen of an upload. @param parts in their order, with ETags without quotes */
export function describeParts(parts: readonly { readonly number: number; readonly etag: string }[]): string {
  return parts.map(({ number, etag }) => `${number}=${etag}`).join(" ");
}

function statesOf({ actions, uploadIds }: ClientRecord): Facts[] {
  const known = new Map<string, string>();
  let state = emptyStore;
  const states = [factsOf(state, uploadIds, known)];
  for (const { action } of actions) {
    state = applyAction(state, action);
    states.push(factsOf(state, uploadIds, known));
  }
  return states;
}

/**
 * What is to be seen of a state.
 * @param uploadIds the server's ids of uploads by the workload's numbers
 * @param known descriptions of objects that were made before; filled
 */
export function factsOf(
  state: StoreState,
  uploadIds: ReadonlyMap<number, string>,
  known: Map<string, string> = new Map(),
): Facts {
  const facts = new Map<string, string>();
  for (const bucket of state.buckets) facts.set(bucketFact(bucket), "there");
  for (const [path, bodies] of state.objects) {
    const name = JSON.stringify(bodies);
    const text = known.get(name) ?? describeObject(Buffer.concat(bodies.map(bytesOf)));
    known.set(name, text);
    facts.set(objectFact(path), text);
  }
  for (const [number, upload] of state.uploads) {
    const parts = [...upload.parts].sort(([a], [b]) => a - b);
    const listed = parts.map(([partNumber, body]) => ({ number: partNumber, etag: md5(body) }));
    facts.set(uploadFact(objectPath(upload), uploadIds.get(number) ?? ""), describeParts(listed));
  }
  return facts;
}

function md5(body: Body): string {
  return createHash("md5").update(bytesOf(body)).digest("hex");
}
