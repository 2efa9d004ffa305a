import { expect, test } from "bun:test";
import type { ReportedDenial } from "#kernel/protocol/diagnostics.ts";
import { DenialReports, maxWaitingReports } from "./denial-reports.ts";

function makeReports() {
  const sent: { denials: readonly ReportedDenial[]; droppedCount: number }[] = [];
  const calls: (() => void)[] = [];
  const reports = new DenialReports({
    send: (denials, droppedCount) => void sent.push({ denials, droppedCount }),
    after: (_, call) => void calls.push(call),
  });
  /** The second is over. */
  const tick = () => {
    for (const call of calls.splice(0)) call();
  };
  return { sent, reports, tick };
}

const denial = {
  ...{ tenantId: "t", actor: { id: "AIDA", name: "user", accessKeyId: "AKIA" }, action: "s3:GetObject" },
  ...{ bucket: { bucketId: "B", name: "photos" }, requestId: "first", address: "192.0.2.1", agent: "agent" },
};

test("DenialReports: the same principal, action and bucket is one, whatever address and agent", () => {
  const { sent, reports, tick } = makeReports();
  reports.add(denial);
  reports.add({ ...denial, requestId: "second", address: "192.0.2.2", agent: "other" });
  reports.add({ ...denial, action: "s3:PutObject" });
  reports.add({ ...denial, bucket: { bucketId: "C", name: "papers" } });
  reports.add({ ...denial, actor: null });
  expect(sent).toEqual([]);
  tick();
  expect(sent[0]?.denials.map(({ count }) => count)).toEqual([2, 1, 1, 1]);
  expect(sent[0]?.denials[0]).toEqual({ ...denial, count: 2 });
});

test("DenialReports: nothing more is sent before the last was taken; meanwhile the number is bounded and the rest counted", () => {
  const { sent, reports, tick } = makeReports();
  reports.add(denial);
  tick();
  for (let index = 0; index < maxWaitingReports + 2; index++) reports.add({ ...denial, action: `s3:${index}` });
  reports.add({ ...denial, action: "s3:0" });
  tick();
  expect(sent).toHaveLength(1);
  reports.taken();
  expect(sent[1]?.denials).toHaveLength(maxWaitingReports);
  expect([sent[1]?.droppedCount, sent[1]?.denials[0]?.count]).toEqual([2, 2]);
  reports.taken();
  expect(sent).toHaveLength(2);
});
