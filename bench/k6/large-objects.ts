/** Loads of large objects, whole, in parts and in ranges. Runs in k6. */
import { sha256 } from "k6/crypto";
import exec from "k6/execution";
import { type Content, contentOf } from "./content.ts";
import { elementText, expectBody, expectTrue, send, textOf } from "./s3.ts";

const mib = 1_048_576;
/** Smallest part but the last. Source: S3's limits. */
const partBytes = 5 * mib;
const partCount = 3;
const rangedKey = "ranged/object";
const rangedBytes = 8 * mib;
const rangesPerIteration = 10;

/** Bytes of the large object, `MAXIOFS_K6_LARGE_MIB`. */
const largeBytes = Number(__ENV["MAXIOFS_K6_LARGE_MIB"] ?? "64") * mib;

/** Three parts of 5 MiB, completed and read back whole. */
export function multipart(): void {
  const key = `multipart/${exec.vu.idInTest}`;
  const created = send({
    operation: "CreateMultipartUpload",
    method: "POST",
    key,
    query: { uploads: "" },
    isText: true,
  });
  const uploadId = elementText(textOf(created), "UploadId");
  expectTrue(uploadId !== "", `upload id of ${key}`);
  if (uploadId === "") return;
  const whole = new Uint8Array(partCount * partBytes);
  let list = "";
  for (let number = 1; number <= partCount; number += 1) {
    const part = contentOf(partBytes, (exec.vu.idInTest + number) % 8);
    whole.set(new Uint8Array(part.bytes), (number - 1) * partBytes);
    const query = { partNumber: String(number), uploadId };
    const answer = send({ operation: "UploadPart", method: "PUT", key, query, body: part });
    list += `<Part><PartNumber>${number}</PartNumber><ETag>${answer.headers["Etag"] ?? ""}</ETag></Part>`;
  }
  const body = textContent(`<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`);
  send({ operation: "CompleteMultipartUpload", method: "POST", key, query: { uploadId }, body });
  expectBody(send({ operation: "GetObject", method: "GET", key }), sha256(whole.buffer, "hex"));
}

/** Stores what `ranges` reads. */
export function storeRanged(): void {
  send({ operation: "PutObject", method: "PUT", key: rangedKey, body: contentOf(rangedBytes) });
}

/** Ten ranges of up to 256 KiB at any offset, each compared. */
export function ranges(): void {
  const { bytes } = contentOf(rangedBytes);
  for (let count = 0; count < rangesPerIteration; count += 1) {
    const start = Math.floor(Math.random() * rangedBytes);
    const end = Math.min(rangedBytes, start + 1 + Math.floor(Math.random() * 262_144));
    const headers = { range: `bytes=${start}-${end - 1}` };
    const answer = send({ operation: "GetObject", method: "GET", key: rangedKey, headers, expected: [206] });
    const wanted = `bytes ${start}-${end - 1}/${rangedBytes}`;
    expectTrue(answer.headers["Content-Range"] === wanted, `range of ${rangedKey}`);
    expectBody(answer, sha256(bytes.slice(start, end), "hex"));
  }
}

/** One large object, written and read back. */
export function large(): void {
  const key = `large/${exec.vu.idInTest}`;
  const content = contentOf(largeBytes);
  send({ operation: "PutObject", method: "PUT", key, body: content });
  expectBody(send({ operation: "GetObject", method: "GET", key }), content.sha256);
}

function textContent(text: string): Content {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index);
  return { bytes: bytes.buffer, sha256: sha256(bytes.buffer, "hex") };
}
