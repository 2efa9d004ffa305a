import { afterEach, expect, test } from "bun:test";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Mutation, MutationResult, PutMutation, WriterAnswer, WriterBatch } from "#kernel/protocol/mutation.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { WriterClient } from "./writer-client.ts";

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

interface ReceivedBatch {
  readonly id: number;
  readonly mutations: readonly Mutation[];
  readonly bytes: Uint8Array;
}

/** A writer's end that keeps batches until it is told to answer them. */
class WriterEnd {
  readonly port: MessagePort;
  readonly batches: ReceivedBatch[] = [];
  readonly #own: MessagePort;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.#own = port2;
    ports.push(port1, port2);
    port2.on("message", ({ id, mutations, bytes }: WriterBatch) => {
      this.batches.push({ id, mutations: JSON.parse(mutations), bytes: new Uint8Array(bytes) });
    });
  }

  answer({ id }: ReceivedBatch, results: readonly MutationResult[]): void {
    this.#own.postMessage({ id, results: JSON.stringify(results) } satisfies WriterAnswer);
  }

  /** Answers everything that came, each with the key as its version id. */
  answerAll(): number {
    const batches = this.batches.splice(0);
    for (const batch of batches)
      this.answer(
        batch,
        batch.mutations.map(({ key }) => succeed(key)),
      );
    return batches.length;
  }
}

function succeed(versionId: string): MutationResult {
  return { ok: true, versionId, hlc: 1, deleteMarker: false, etag: null, seq: 1 };
}

function makePut(key: string): PutMutation {
  return {
    kind: "put",
    bucketId: "b",
    key,
    requestId: "",
    principal: "",
    sizeBytes: 0,
    etag: "",
    flags: 0,
    meta: "",
    attributes: null,
    bytes: { kind: "inline", slice: [0, 0] },
    conditions: null,
  };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await Bun.sleep(1);
}

test("WriterClient: a lone mutation leaves at once, others of the turn together, and each gets its own answer", async () => {
  const writer = new WriterEnd();
  const client = new WriterClient();
  client.attach(writer.port);
  const commits = ["a", "b", "c"].map((key) => client.commit(makePut(key)));
  expect(client.inFlight).toBe(3);
  await settle();
  expect(writer.batches.map(({ mutations }) => mutations.map(({ key }) => key))).toEqual([["a"], ["b", "c"]]);
  expect(writer.answerAll()).toBe(2);
  expect((await Promise.all(commits)).map(({ versionId }) => versionId)).toEqual(["a", "b", "c"]);
  expect(client.inFlight).toBe(0);
});

test("WriterClient: many mutations all arrive, whatever the batches", async () => {
  const writer = new WriterEnd();
  const client = new WriterClient();
  client.attach(writer.port);
  const keys = Array.from({ length: 300 }, (_, i) => `k${i}`);
  const commits = keys.map((key) => client.commit(makePut(key)));
  await settle();
  writer.answerAll();
  expect((await Promise.all(commits)).map(({ versionId }) => versionId)).toEqual(keys);
});

test("WriterClient: each slice points at its own body", async () => {
  const writer = new WriterEnd();
  const client = new WriterClient();
  client.attach(writer.port);
  const bodies = [Buffer.from("first"), new Uint8Array(0), Buffer.from("the third")];
  const commits = bodies.map((body, i) => client.commit(makePut(`k${i}`), body));
  await settle();
  const got = writer.batches.flatMap(({ mutations, bytes }) =>
    mutations.map((mutation) =>
      mutation.kind === "put" && mutation.bytes.kind === "inline"
        ? Buffer.from(
            bytes.subarray(mutation.bytes.slice[0], mutation.bytes.slice[0] + mutation.bytes.slice[1]),
          ).toString()
        : "?",
    ),
  );
  expect(got).toEqual(["first", "", "the third"]);
  writer.answerAll();
  await Promise.all(commits);
});

test("WriterClient: a refusal is thrown with its code, message and fields", async () => {
  const writer = new WriterEnd();
  const client = new WriterClient();
  client.attach(writer.port);
  const commit = client.commit(makePut("a"));
  await settle();
  for (const batch of writer.batches)
    writer.answer(batch, [{ ok: false, code: "EntityTooSmall", message: "Too small", fields: { PartNumber: 3 } }]);
  const error = await commit.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(S3Error);
  expect(error).toMatchObject({ code: "EntityTooSmall", message: "Too small", fields: { PartNumber: 3 } });
});

test("WriterClient: what was in flight when the writer died has an unknown outcome; later mutations use the new one", async () => {
  const [dead, alive] = [new WriterEnd(), new WriterEnd()];
  const client = new WriterClient();
  client.attach(dead.port);
  const lost = client.commit(makePut("lost"));
  await settle();
  client.attach(alive.port);
  expect(await lost.catch((error: unknown) => error)).toMatchObject({ code: "ServiceUnavailable", status: 503 });
  const later = client.commit(makePut("later"));
  await settle();
  alive.answerAll();
  expect(await later).toMatchObject({ versionId: "later" });
});

test("WriterClient: an answer that misses a result, or comes twice, settles nobody wrongly", async () => {
  const writer = new WriterEnd();
  const client = new WriterClient();
  client.attach(writer.port);
  const commits = ["first", "a", "b"].map((key) => client.commit(makePut(key)).catch((error: unknown) => error));
  await settle();
  const [first, batch] = writer.batches;
  if (first) writer.answer(first, [succeed("first")]);
  if (!batch) throw new Error("No batch");
  writer.answer(batch, [succeed("a")]);
  writer.answer(batch, [succeed("x"), succeed("x")]);
  expect(await Promise.all(commits)).toMatchObject([
    { versionId: "first" },
    { versionId: "a" },
    { code: "ServiceUnavailable" },
  ]);
});
