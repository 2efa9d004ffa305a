import { expect, test } from "bun:test";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { AwsChunkedTrailer } from "./aws-chunked-trailer.ts";

function read(names: readonly string[], text: string): Readonly<Record<string, string>> | string {
  try {
    const trailer = new AwsChunkedTrailer(names, undefined);
    const bytes = Buffer.from(text, "latin1");
    let offset = 0;
    while (offset < bytes.length) offset = trailer.push(bytes, offset);
    trailer.refuseMissing();
    return trailer.isComplete ? trailer.trailers : "unfinished";
  } catch (error) {
    if (error instanceof S3Error) return error.code;
    throw error;
  }
}

test("AwsChunkedTrailer: reads exactly what was announced", () => {
  expect(read([], "\r\n")).toEqual({});
  expect(read(["X-Amz-Checksum-CRC32"], "x-amz-checksum-crc32:AAAAAA==\r\n\r\n")).toEqual({
    "x-amz-checksum-crc32": "AAAAAA==",
  });
  expect(read(["a", "b"], "B: 2 \r\nA:\t1\r\n\r\n")).toEqual({ a: "1", b: "2" });
  expect(read(["a"], "a:b:c\r\n\r\n")).toEqual({ a: "b:c" });
  expect(read(["a"], "a:1\r\n")).toBe("unfinished");
});

test("AwsChunkedTrailer: takes LF and empty lines as clients send them", () => {
  expect(read(["a"], "a:1\n\r\n\r\n")).toEqual({ a: "1" });
  expect(read(["a"], "\r\na:1\r\n\r\n")).toEqual({ a: "1" });
});

test("AwsChunkedTrailer: unannounced, missing, repeated or malformed lines are MalformedTrailerError", () => {
  const refused = [
    "\r\n",
    "b:1\r\n\r\n",
    "a:1\r\na:1\r\n\r\n",
    "a:1\r\nb:2\r\n\r\n",
    "a\r\n\r\n",
    ":1\r\n\r\n",
    "a :1\r\n\r\n",
    "a:\u0000\r\n\r\n",
    "a:1\r2\r\n\r\n",
    "a:1\r\n\r\na:2\r\n",
  ];
  refused.push("a:1\r\nx-amz-trailer-signature:00\r\n\r\n");
  for (const text of refused) expect([text, read(["a"], text)]).toEqual([text, "MalformedTrailerError"]);
});

test("AwsChunkedTrailer: 4 KiB are taken, one byte more is not", () => {
  const text = (bytes: number) => `a:${"x".repeat(bytes - "a:\r\n\r\n".length)}\r\n\r\n`;
  expect(read(["a"], text(4096))).toHaveProperty("a");
  expect(read(["a"], text(4097))).toBe("MalformedTrailerError");
  expect(read(["a"], "\r\n".repeat(3000))).toBe("MalformedTrailerError");
});

test("AwsChunkedTrailer: at most one checksum", () => {
  expect(read(["x-amz-checksum-crc32", "x-amz-checksum-sha1"], "")).toBe("InvalidRequest");
  expect(read(["x-amz-checksum-crc32", "x-amz-meta"], "x-amz-checksum-crc32:1\r\nx-amz-meta:2\r\n\r\n")).toMatchObject({
    "x-amz-meta": "2",
  });
});
