import { expect, test } from "bun:test";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { CatalogUnavailableError } from "../catalog/sqlite-catalog/catalog-unavailable-error.ts";
import { DamagedBytesError } from "../crypto/inline-body.ts";
import { errorDocument, toS3Error } from "./error-document.ts";

const place = { requestId: "R", resource: "/b/<key>" };

test("toS3Error: an S3 error stays, an unknown one becomes an opaque 500", () => {
  const known = new S3Error("NoSuchKey");
  expect(toS3Error(known)).toBe(known);
  for (const thrown of [new Error("/secret/path"), "text", undefined, new TypeError("x")]) {
    const error = toS3Error(thrown);
    expect([error.code, error.status, errorDocument(error, place).includes("secret")]).toEqual([
      "InternalError",
      500,
      false,
    ]);
  }
});

test("toS3Error: a full disk, a damaged object and a missing catalog have answers of their own", () => {
  expect(toS3Error(Object.assign(new Error("x"), { code: "ENOSPC" }))).toMatchObject({
    code: "InsufficientStorage",
    status: 507,
  });
  expect(toS3Error(Object.assign(new Error("x"), { code: "EDQUOT" })).code).toBe("InsufficientStorage");
  expect(toS3Error(Object.assign(new Error("x"), { code: "ENOENT" })).code).toBe("InternalError");
  expect(toS3Error(new DamagedBytesError("Segment 3 of blob abc"))).toMatchObject({
    code: "InternalError",
    message: "The stored object is damaged and was not served",
  });
  expect(toS3Error(new CatalogUnavailableError("x", "unreadable"))).toMatchObject({
    code: "ServiceUnavailable",
    headers: { "Retry-After": "5" },
  });
});

test("errorDocument: every text is escaped", () => {
  const error = new S3Error("NoSuchKey", { message: "a < b & c", fields: { Key: "<script>", Count: 3 } });
  expect(errorDocument(error, place)).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>a &lt; b &amp; c</Message><Key>&lt;script&gt;</Key><Count>3</Count><Resource>/b/&lt;key&gt;</Resource><RequestId>R</RequestId><HostId>mxRR</HostId></Error>',
  );
});

test("toS3Error: what the system refuses is never NoSuchKey, a locked catalog may be tried again", () => {
  const codeOf = (code: string, name = "Error") => toS3Error(Object.assign(new Error("x"), { name, code }));
  expect(codeOf("EIO").status).toBe(500);
  for (const code of ["EACCES", "EPERM", "ELOOP", "ENOTDIR"])
    expect(codeOf(code)).toMatchObject({ code: "ServiceUnavailable", headers: { "Retry-After": "5" } });
  for (const code of ["EMFILE", "ENFILE"]) expect(codeOf(code).code).toBe("SlowDown");
  for (const code of ["SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_IOERR_READ"])
    expect(codeOf(code, "SQLiteError").code).toBe("ServiceUnavailable");
  expect(codeOf("SQLITE_BUSY", "SQLiteError")).toMatchObject({ code: "SlowDown", status: 503 });
});
