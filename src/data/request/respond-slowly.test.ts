import { expect, test } from "bun:test";
import { createServer, type ServerResponse } from "node:http";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { respondSlowly, type SlowAnswer } from "./respond-slowly.ts";

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
const answer: SlowAnswer = { document: `${declaration}<Result>ü</Result>`, headers: { "x-amz-version-id": "v" } };

/** What a client gets when `work` is answered with a sign of life each 20 ms. */
async function ask(
  work: () => Promise<SlowAnswer>,
): Promise<{ response: Response; text: string; logged: string[]; thrown: unknown }> {
  const logged: string[] = [];
  let thrown: unknown;
  const handle = async (response: ServerResponse) => {
    const plane = { log: (_level: string, message: string) => void logged.push(message) };
    const request = { id: "ID", response, resource: "/b/k", spec: { name: "CopyObject" }, plane };
    try {
      await respondSlowly(request, work, 20);
    } catch (error) {
      thrown = error;
      response.writeHead(400).end();
    }
  };
  const server = createServer((_message, response) => void handle(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const response = await fetch(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`);
  const text = await response.text();
  server.close();
  return { response, text, logged, thrown };
}

const late = async () => {
  await Bun.sleep(400);
  return answer;
};

test("respondSlowly: a quick answer is an ordinary one", async () => {
  const { response, text } = await ask(async () => answer);
  expect([
    response.status,
    response.headers.get("x-amz-version-id"),
    response.headers.get("content-length"),
    text,
  ]).toEqual([200, "v", `${Buffer.byteLength(answer.document)}`, answer.document]);
});

test("respondSlowly: a late answer follows 200, the declaration and white space", async () => {
  const { response, text } = await ask(late);
  expect([response.status, response.headers.get("content-length")]).toEqual([200, null]);
  expect(text).toMatch(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n {2,}<Result>ü<\/Result>$/);
});

test("respondSlowly: an early error is thrown, a late one becomes the document and a line in the log", async () => {
  const fail = async () => {
    throw new S3Error("NoSuchKey");
  };
  expect((await ask(fail)).thrown).toBeInstanceOf(S3Error);
  const { response, text, logged, thrown } = await ask(() => late().then(fail));
  expect([response.status, thrown, logged.length]).toEqual([200, undefined, 1]);
  expect(text).toMatch(/\n +<Error><Code>NoSuchKey<\/Code>.*<Resource>\/b\/k<\/Resource><RequestId>ID<\/RequestId>/);
  expect(text.split("<?xml").length).toBe(2);
});
