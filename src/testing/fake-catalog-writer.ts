import { parentPort } from "node:worker_threads";
import type { WriterAnswer, WriterBatch } from "#kernel/protocol/mutation.ts";
import type { Usage } from "#kernel/protocol/quota.ts";
import type { FromWriter, ToWriter } from "#kernel/protocol/to-writer.ts";

/**
 * A catalog writer for the tests of the pool: stores nothing and misbehaves on demand. Bucket ids are the demands: `throw`,
 * `hang`, `broken`; `full` is not empty. The data folder `/refuse` ends it at once.
 */
function run(): void {
  const port = parentPort;
  const say = (message: FromWriter): void => port?.postMessage(message);
  const obey = (message: Extract<ToWriter, { readonly id: number }>): void => {
    const { id } = message;
    const demand = "bucketId" in message ? message.bucketId : "";
    if (demand === "throw") throw new Error("The fake writer throws");
    if (demand === "full") say({ kind: "failed", id, reason: "notEmpty" });
    else if (demand === "broken") say({ kind: "failed", id, reason: "io" });
    else if (message.kind === "usage") say({ kind: "usage", id, usages: message.bucketIds.map(usageOf) });
    else if (demand !== "hang") say({ kind: "done", id });
  };
  port?.on("message", (message: ToWriter) => {
    if (message.kind === "start") {
      if (message.dataDir === "/refuse") throw new Error("The fake writer refuses this folder");
      say({ kind: "ready" });
    } else if (message.kind === "attach") {
      const { port: line } = message;
      line.on("message", ({ id }: WriterBatch) => {
        line.postMessage({ id, results: "[]" } satisfies WriterAnswer);
      });
    } else if (message.kind === "stop") {
      say({ kind: "stopped" });
    } else if (message.kind === "owners") {
      say({ kind: "log", level: "info", message: "owners", fields: { owners: message.owners.join(" ") } });
    } else if (message.kind !== "settings") {
      obey(message);
    }
  });
}

/** The more, the longer the id; one without any cannot be read. */
function usageOf(bucketId: string): Usage | null {
  return bucketId === "" ? null : { bytes: bucketId.length, objects: 1 };
}

run();
