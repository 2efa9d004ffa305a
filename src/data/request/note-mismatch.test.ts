import { expect, test } from "bun:test";
import type { SignatureRecord } from "#kernel/protocol/diagnostics.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { signatureMismatch } from "#kernel/sigv4/signature-mismatch.ts";
import { testDataSettings } from "#testing/data-settings.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { entriesWith, testKey, testTenant } from "#testing/identities.ts";
import { Diagnostics } from "../diagnostics/diagnostics.ts";
import { SnapshotStore } from "../snapshot-store.ts";
import { noteMismatch } from "./note-mismatch.ts";

/** What is kept of a request that failed by this. */
function keep(thrown: unknown, headers = {}): readonly SignatureRecord[] {
  const clock = new FakeClock(7);
  const snapshot = new SnapshotStore({
    ...{ number: 1, entries: entriesWith({ key: [testKey] }), settings: testDataSettings },
  });
  const diagnostics = new Diagnostics(clock, { add: () => {} });
  noteMismatch({ snapshot, clock, diagnostics }, thrown, { id: "R", message: { headers }, target: undefined });
  return diagnostics.find({ what: "signatures", requestId: "R" }).signatures ?? [];
}

const { accessKeyId } = testKey;
const texts = { stringToSign: "GET\nx-amz-security-token:opens\n/photos", signatureProvided: "provided" };

test("noteMismatch: what was signed, the key and its tenant, without secrets and signatures", () => {
  const [kept, ...more] = keep(signatureMismatch({ ...texts, accessKeyId, canonicalRequest: "cookie:opens" }));
  expect(more).toEqual([]);
  expect(kept).toMatchObject({ requestId: "R", timeMs: 7, accessKeyId, tenantId: testTenant.tenantId });
  expect(kept?.canonicalRequest).toStartWith("cookie:(sha256 ");
  for (const secret of ["opens", "provided"]) expect(JSON.stringify(kept)).not.toContain(secret);
  expect(keep(signatureMismatch({ ...texts, accessKeyId }))).toMatchObject([{ canonicalRequest: null }]);
});

test("noteMismatch: whose key it is may be unknown; chunks of a body and other failures are not kept", () => {
  expect(keep(signatureMismatch({ ...texts, accessKeyId: "AKIANOBODY" }))).toMatchObject([{ tenantId: null }]);
  const token = { "x-amz-security-token": "forged" };
  expect(keep(signatureMismatch({ ...texts, accessKeyId }), token)).toMatchObject([{ tenantId: null }]);
  expect(keep(signatureMismatch(texts))).toEqual([]);
  expect(keep(new S3Error("SignatureDoesNotMatch"))).toEqual([]);
  expect(keep(new Error("another"))).toEqual([]);
});
