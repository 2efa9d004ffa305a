/** A server's first answers after its start. Runs in k6 while the server is started beside it. */
import { sleep } from "k6";
import http from "k6/http";
import { Gauge } from "k6/metrics";
import { readAll, smallKeys } from "./small-objects.ts";

const endpoint = __ENV["MAXIOFS_K6_ENDPOINT"] ?? "";
const pollSeconds = 0.005;
const patienceMs = 60_000;

/** When the server answered for the first time, in milliseconds of the epoch. */
const firstAnswer = new Gauge("first_answer_epoch_ms");

/** Waits for the first answer, then reads what `fill` stored in an earlier life of the server. */
export function coldStart(): void {
  const endMs = Date.now() + patienceMs;
  while (http.get(`${endpoint}/`, { tags: { name: "probe", operation: "probe" } }).status === 0) {
    if (Date.now() > endMs) throw new Error("The server did not answer within a minute");
    sleep(pollSeconds);
  }
  firstAnswer.add(Date.now());
  readAll(smallKeys);
}
