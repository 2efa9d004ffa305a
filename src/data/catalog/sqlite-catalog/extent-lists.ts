import type { PutBytes } from "#kernel/protocol/mutation.ts";
import type { WriterStatements } from "./statements.ts";

/** The rows of a list that a detail has: the first `extents`. */
interface ExtentList {
  readonly listId: number;
  readonly extents: number;
}

type LastExtent = [ordinal: number, partNumber: number, endBytes: number];

/**
 * Gives the new detail `detailId` the extents of `bytes.detailId` and one more. The two share the list from now on; only behind a
 * version whose list has grown beyond it (one that is current again) the list is copied.
 * @returns false when the detail that is appended to is gone
 */
export function appendToList(
  statements: WriterStatements,
  detailId: number,
  bytes: Extract<PutBytes, { kind: "append" }>,
): boolean {
  const list = findList(statements, bytes.detailId);
  if (!list) return false;
  const [longest] = statements.lastExtent.values(list.listId) as LastExtent[];
  if (longest?.[0] === list.extents - 1) {
    statements.insertShare.run(bytes.detailId, list.listId, list.extents);
    statements.insertShare.run(detailId, list.listId, list.extents + 1);
    addExtent(statements, list.listId, bytes);
  } else {
    copyExtents(statements, list, detailId);
    addExtent(statements, detailId, bytes);
  }
  return true;
}

function addExtent(
  statements: WriterStatements,
  listId: number,
  { blob, checksum }: Extract<PutBytes, { kind: "append" }>,
): void {
  const [last] = statements.lastExtent.values(listId) as LastExtent[];
  const [ordinal, partNumber, endBytes] = last ?? [-1, 0, 0];
  statements.insertExtent.run(listId, ordinal + 1, partNumber + 1, endBytes, blob.sizeBytes, blob.blobId, checksum);
}

/** Gives detail `to` the extents of `from`, in one row however many there are; none when those are gone or its bytes are inline. */
export function shareList(statements: WriterStatements, from: number, to: number): void {
  const list = findList(statements, from);
  if (!list || list.extents === 0) return;
  statements.insertShare.run(from, list.listId, list.extents);
  statements.insertShare.run(to, list.listId, list.extents);
}

/**
 * Removes a detail and those of its extents that no other detail has; their blobs become garbage.
 * @returns how many extents went
 */
export function freeDetail(statements: WriterStatements, detailId: number, hlc: number): number {
  const list = findList(statements, detailId);
  statements.deleteDetail.run(detailId);
  const listId = list?.listId ?? detailId;
  statements.deleteShare.run(detailId);
  const [longest] = statements.longestShare.values(listId) as [number | null][];
  const kept = longest?.[0] ?? 0;
  statements.extentsToGarbage.run(hlc, listId, kept);
  return statements.deleteExtents.run(listId, kept).changes;
}

/** Undefined when there is no such detail. */
function findList(statements: WriterStatements, detailId: number): ExtentList | undefined {
  const [row] = statements.findShare.values(detailId) as [listId: number | null, extents: number | null][];
  if (!row) return undefined;
  const [listId, extents] = row;
  if (listId !== null && extents !== null) return { listId, extents };
  const [last] = statements.lastExtent.values(detailId) as LastExtent[];
  return { listId: detailId, extents: last ? last[0] + 1 : 0 };
}

function copyExtents(statements: WriterStatements, { listId, extents }: ExtentList, to: number): void {
  statements.copyExtents.run(to, listId, extents);
}
