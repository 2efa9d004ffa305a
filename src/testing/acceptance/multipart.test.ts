import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { startServer } from "../server-process.ts";
import { createUpload, type ListedPart, minPartBytes } from "./multipart-upload.ts";
import { clientOf } from "./s3-client.ts";
import { seededBytes } from "./test-data.ts";
import { readXmlElements, readXmlText, readXmlTexts } from "./xml-text.ts";

const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("multipart");
const other = await s3.createBucket("multipart-other");
const partA = seededBytes(minPartBytes, 1);
const partB = seededBytes(minPartBytes + 7, 2);
const last = seededBytes(11, 3);
afterAll(async () => {
  s3.close();
  await server.remove();
});

test("CompleteMultipartUpload: parts sent in any order become one object in the order of their numbers", async () => {
  const upload = await createUpload(bucket, "whole", { "x-amz-meta-who": "me", "content-type": "text/plain" });
  const parts = [
    [7, last],
    [2, partB],
    [1, partA],
  ] as const;
  const etags = await Promise.all(parts.map(([number, body]) => upload.put(number, body)));
  expect(etags.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await bucket.head("whole")).status).toBe(404);
  const listed = parts.map(([number], index) => ({ number, etag: etags[index]?.headers["etag"] ?? "" })).toReversed();
  const answer = await upload.complete(listed);
  const whole = Buffer.concat([partA, partB, last]);
  const expected = `"${md5OfParts([partA, partB, last])}-3"`;
  expect([answer.status, readXmlText(answer.text, "ETag")]).toEqual([200, expected]);
  expect([readXmlText(answer.text, "Bucket"), readXmlText(answer.text, "Key")]).toEqual(["multipart", "whole"]);
  const got = await bucket.get("whole");
  expect(got.body.equals(whole)).toBe(true);
  expect([got.headers["etag"], got.headers["x-amz-meta-who"], got.headers["content-type"]]).toEqual([
    expected,
    "me",
    "text/plain",
  ]);

  const second = await bucket.get("whole", {}, "partNumber=2");
  expect([second.status, second.headers["x-amz-mp-parts-count"]]).toEqual([206, "3"]);
  expect(second.body.equals(partB)).toBe(true);
  const first = minPartBytes - 5;
  const across = await bucket.get("whole", { range: `bytes=${first}-${2 * minPartBytes + 9}` });
  expect(across.body.equals(whole.subarray(first, 2 * minPartBytes + 10))).toBe(true);
});

test("CompleteMultipartUpload: repeated it answers the same, with another list NoSuchUpload", async () => {
  const upload = await createUpload(bucket, "repeated");
  const etag = (await upload.put(1, "only")).headers["etag"] ?? "";
  const first = await upload.complete([{ number: 1, etag }]);
  await Bun.sleep(5);
  const second = await upload.complete([{ number: 1, etag }]);
  expect([second.status, readXmlText(second.text, "ETag")]).toEqual([200, readXmlText(first.text, "ETag")]);
  const different = await upload.complete([{ number: 2, etag }]);
  expect([different.status, different.code]).toEqual([404, "NoSuchUpload"]);
  expect((await bucket.get("repeated")).text).toBe("only");
});

test("CompleteMultipartUpload: a part sent twice counts with its last bytes", async () => {
  const upload = await createUpload(bucket, "resent");
  const stale = (await upload.put(1, "first")).headers["etag"] ?? "";
  const etag = (await upload.put(1, "second")).headers["etag"] ?? "";
  const refused = await upload.complete([{ number: 1, etag: stale }]);
  expect([refused.status, refused.code]).toEqual([400, "InvalidPart"]);
  expect((await upload.complete([{ number: 1, etag: etag.replaceAll('"', "") }])).status).toBe(200);
  expect((await bucket.get("resent")).text).toBe("second");
});

test("CompleteMultipartUpload: a bad list is refused, the old object stays and the upload lives on", async () => {
  await bucket.put("listed", "old");
  const upload = await createUpload(bucket, "listed");
  const etag1 = (await upload.put(1, partA)).headers["etag"] ?? "";
  const etag2 = (await upload.put(2, last)).headers["etag"] ?? "";
  const small = (await upload.put(3, last)).headers["etag"] ?? "";
  const none = '"0123456789abcdef0123456789abcdef"';
  const cases: (readonly [ListedPart[], string])[] = [
    [
      [
        { number: 2, etag: etag2 },
        { number: 1, etag: etag1 },
      ],
      "InvalidPartOrder",
    ],
    [
      [
        { number: 1, etag: etag1 },
        { number: 1, etag: etag1 },
      ],
      "InvalidPartOrder",
    ],
    [[{ number: 1, etag: none }], "InvalidPart"],
    [
      [
        { number: 1, etag: etag1 },
        { number: 9, etag: etag2 },
      ],
      "InvalidPart",
    ],
    [
      [
        { number: 1, etag: etag1 },
        { number: 2, etag: etag2 },
        { number: 3, etag: small },
      ],
      "EntityTooSmall",
    ],
    [[], "InvalidRequest"],
  ];
  for (const [parts, code] of cases) {
    const answer = await upload.complete(parts);
    expect([code, answer.status, answer.code]).toEqual([code, 400, code]);
  }
  for (const body of ["", "<CompleteMultipartUpload>", "<Other/>"]) {
    const answer = await upload.completeWith(body);
    expect([body, answer.status, answer.code]).toEqual([body, 400, "MalformedXML"]);
  }
  const wrongSize = await upload.complete([{ number: 1, etag: etag1 }], { "x-amz-mp-object-size": "1" });
  expect([wrongSize.status, wrongSize.code]).toEqual([400, "InvalidRequest"]);
  expect((await bucket.get("listed")).text).toBe("old");
  const done = await upload.complete([
    { number: 1, etag: etag1 },
    { number: 2, etag: etag2 },
  ]);
  expect(done.status).toBe(200);
});

test("UploadPart: numbers outside 1 to 10,000 are InvalidArgument", async () => {
  const upload = await createUpload(bucket, "numbers");
  for (const number of [0, 10_001, -1, "1.5", "abc", "", "99999999999999999999"]) {
    const answer = await upload.put(number, "x");
    expect([number, answer.status, answer.code]).toEqual([number, 400, "InvalidArgument"]);
  }
  expect((await upload.put(10_000, "x")).status).toBe(200);
  expect(readXmlTexts((await upload.list()).text, "PartNumber")).toEqual(["10000"]);
  await upload.abort();
});

test("every multipart operation: an unknown id, another key's or another bucket's is NoSuchUpload", async () => {
  const upload = await createUpload(bucket, "mine");
  const { etag = "" } = (await upload.put(1, "x")).headers;
  const targets = [
    bucket.target("other-key", upload.query()),
    other.target("mine", upload.query()),
    bucket.target("mine", "uploadId=unknown"),
    bucket.target("mine", `uploadId=${"x".repeat(500)}`),
  ];
  const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`;
  for (const target of targets) {
    const answers = [
      await s3.send({ method: "PUT", target: `${target}&partNumber=2`, body: "x" }),
      await s3.send({ method: "GET", target }),
      await s3.send({ method: "POST", target, body }),
      await s3.send({ method: "DELETE", target }),
    ];
    for (const answer of answers) expect([target, answer.status, answer.code]).toEqual([target, 404, "NoSuchUpload"]);
  }
  expect((await upload.complete([{ number: 1, etag }])).status).toBe(200);
});

test("AbortMultipartUpload: the upload is gone at once, an object of that key stays", async () => {
  await bucket.put("aborted", "old");
  const upload = await createUpload(bucket, "aborted");
  const etag = (await upload.put(1, "new")).headers["etag"] ?? "";
  expect((await upload.abort()).status).toBe(204);
  for (const answer of [
    await upload.put(2, "x"),
    await upload.list(),
    await upload.complete([{ number: 1, etag }]),
    await upload.abort(),
  ]) {
    expect([answer.status, answer.code]).toEqual([404, "NoSuchUpload"]);
  }
  expect((await bucket.get("aborted")).text).toBe("old");
});

test("CompleteMultipartUpload: against a racing abort exactly one wins", async () => {
  for (let round = 0; round < 10; round++) {
    const key = `race-${round}`;
    const upload = await createUpload(bucket, key);
    const etag = (await upload.put(1, "x")).headers["etag"] ?? "";
    const [completed, aborted] = await Promise.all([upload.complete([{ number: 1, etag }]), upload.abort()]);
    const outcome = [completed.status, aborted.status];
    expect(["200,404", "404,204"]).toContain(outcome.join());
    expect((await bucket.head(key)).status).toBe(completed.status === 200 ? 200 : 404);
  }
});

test("CompleteMultipartUpload: If-None-Match * refuses a present key and one written meanwhile", async () => {
  await bucket.put("present", "old");
  const upload = await createUpload(bucket, "present");
  const etag = (await upload.put(1, "new")).headers["etag"] ?? "";
  expect((await upload.complete([{ number: 1, etag }], { "if-none-match": "*" })).status).toBe(412);
  await bucket.delete("present");
  const answer = await upload.complete([{ number: 1, etag }], { "if-none-match": "*" });
  expect([answer.status, answer.code]).toEqual([409, "ConditionalRequestConflict"]);
  expect((await bucket.head("present")).status).toBe(404);
});

test("ListMultipartUploads: an upload is visible at once with its initiator, and gone after completion", async () => {
  const upload = await createUpload(bucket, "visible");
  const empty = await upload.list();
  expect([readXmlElements(empty.text, "Part").length, readXmlText(empty.text, "NextPartNumberMarker")]).toEqual([
    0,
    "0",
  ]);
  const listed = await bucket.list("uploads&prefix=visible");
  expect(readXmlTexts(listed.text, "UploadId")).toEqual([upload.uploadId]);
  expect(listed.text).toContain("<Initiator><ID>");
  const etag = (await upload.put(1, "x")).headers["etag"] ?? "";
  await upload.complete([{ number: 1, etag }]);
  expect(readXmlTexts((await bucket.list("uploads&prefix=visible")).text, "UploadId")).toEqual([]);
});

function md5OfParts(parts: readonly Uint8Array[]): string {
  const digests = parts.map((part) => createHash("md5").update(part).digest());
  return createHash("md5").update(Buffer.concat(digests)).digest("hex");
}
