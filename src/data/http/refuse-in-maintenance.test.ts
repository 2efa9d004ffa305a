import { expect, test } from "bun:test";
import { operationTable } from "#kernel/s3/operation-table.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { changesState, refuseInMaintenance } from "./refuse-in-maintenance.ts";

const specs = Object.values(operationTable);
const find = (name: string) => specs.find((spec) => spec.name === name);

test("changesState: writes of every method, and no read", () => {
  const names = (isWrite: boolean) => specs.filter((spec) => changesState(spec) === isWrite).map(({ name }) => name);
  for (const name of ["PutObject", "DeleteObjects", "CreateMultipartUpload", "DeleteBucket", "PutBucketPolicy"]) {
    expect(names(true)).toContain(name as never);
  }
  for (const name of names(false)) expect(name).toMatch(/^(Get|Head|List|Select|Preflight|CreateSession)/);
});

test("refuseInMaintenance: only while it is on, with the time to wait", () => {
  const [put, get] = [find("PutObject"), find("GetObject")];
  if (!put || !get) throw new Error("The table lacks an operation");
  refuseInMaintenance(put, false);
  refuseInMaintenance(get, true);
  const refused = (() => {
    try {
      refuseInMaintenance(put, true);
    } catch (error) {
      return error;
    }
    return undefined;
  })();
  expect(refused).toBeInstanceOf(S3Error);
  expect(refused).toMatchObject({ code: "ServiceUnavailable", status: 503, headers: { "Retry-After": "30" } });
});
