import { S3Error } from "#kernel/s3/s3-error.ts";
import { escapeXml } from "#kernel/xml/write-xml.ts";
import { findProblemKind } from "../catalog/catalog-problem.ts";
import { isUnavailable } from "../catalog/unavailable.ts";
import { DamagedBytesError } from "../crypto/inline-body.ts";
import { commonHeaders } from "./respond.ts";

/** What the server cannot get at now, through no fault of the bytes: it heals when it is given back, so clients are asked to try again. */
const refusedCodes = new Set(["EACCES", "EPERM", "ELOOP", "ENOTDIR"]);
/** The process has no descriptor left: some come back as soon as requests end. */
const exhaustedCodes = new Set(["EMFILE", "ENFILE"]);
const noRoomCodes = new Set(["ENOSPC", "EDQUOT"]);

/** Turns whatever was thrown into an S3 error; an unknown one becomes an opaque 500. */
export function toS3Error(thrown: unknown): S3Error {
  if (thrown instanceof S3Error) return thrown;
  if (thrown instanceof DamagedBytesError) {
    return new S3Error("InternalError", { message: "The stored object is damaged and was not served" });
  }
  if (findProblemKind(thrown) === "locked") {
    return new S3Error("SlowDown", { message: "The catalog of this bucket is locked by another process" });
  }
  if (isUnavailable(thrown)) {
    return new S3Error("ServiceUnavailable", {
      message: "The catalog of this bucket is not available",
      headers: { "Retry-After": "5" },
    });
  }
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  if (refusedCodes.has(code)) {
    return new S3Error("ServiceUnavailable", {
      message: "The system refuses this server a file of this bucket",
      headers: { "Retry-After": "5" },
    });
  }
  if (exhaustedCodes.has(code)) return new S3Error("SlowDown");
  return new S3Error(noRoomCodes.has(code) ? "InsufficientStorage" : "InternalError");
}

/** The XML of an error, also for operations that answer 200 before they know their outcome. */
export function errorDocument(
  error: S3Error,
  place: { readonly requestId: string; readonly resource: string },
): string {
  const { requestId, resource } = place;
  let fields = "";
  for (const [name, value] of Object.entries(error.fields)) fields += `<${name}>${escapeXml(String(value))}</${name}>`;
  const hostId = commonHeaders(requestId)["x-amz-id-2"];
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${error.code}</Code><Message>${escapeXml(error.message)}</Message>${fields}<Resource>${escapeXml(resource)}</Resource><RequestId>${requestId}</RequestId><HostId>${hostId}</HostId></Error>`;
}
