import { errorCodes, type S3ErrorCode } from "../s3/error-code.ts";
import type { OperationName } from "../s3/operation-name.ts";
import { operations } from "../s3/operation-table.ts";
import { computeSlotLayout } from "./slot-layout.ts";

/** Labels of one row of operation cells. */
export interface OperationLabels {
  readonly operation: string;
  readonly method: string;
}

/** Labels by operation index: every operation of the table, then `_other` for requests that matched none. */
export const operationLabels: readonly OperationLabels[] = [
  ...operations.map(({ name, method }) => ({ operation: name, method })),
  { operation: "_other", method: "_other" },
];

/** S3 error codes by code index. */
export const errorCodeLabels: readonly string[] = Object.keys(errorCodes);

/** The index of requests that matched no operation. */
export const otherOperationIndex: number = operationLabels.length - 1;

const operationNumbers = new Map(operationLabels.map(({ operation }, index) => [operation, index]));
const codeNumbers = new Map(errorCodeLabels.map((code, index) => [code, index]));

/** The index of an operation in every slot. One look-up in a hash table: take it once per request. */
export function operationIndex(name: OperationName): number {
  return operationNumbers.get(name) ?? otherOperationIndex;
}

/** The index of an error code in every slot. */
export function errorCodeIndex(code: S3ErrorCode): number {
  return codeNumbers.get(code) ?? 0;
}

/** The layout of the slots of this process, the same in every thread because it follows from the tables alone. */
export const slotLayout = computeSlotLayout(operationLabels.length, errorCodeLabels.length);
