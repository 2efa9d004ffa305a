import { expect, test } from "bun:test";
import fc from "fast-check";
import { ResponseParser } from "./response-parser.ts";

interface Parsed {
  readonly complete: boolean;
  readonly body: string;
  readonly parser: ResponseParser;
}

/** Feeds `text` cut at the given places. */
function parse(text: string, cuts: readonly number[], bodyless = false): Parsed {
  const pieces: string[] = [];
  const parser = new ResponseParser({
    onBody: (piece, offset) => {
      expect(offset).toBe(pieces.join("").length);
      pieces.push(Buffer.from(piece).toString("latin1"));
    },
  });
  parser.begin(bodyless);
  const places = [...new Set(cuts.map((cut) => cut % text.length))].filter((place) => place > 0).sort((a, b) => a - b);
  let complete = false;
  let start = 0;
  for (const end of [...places, text.length]) {
    expect(complete).toBe(false);
    complete = parser.feed(Buffer.from(text.slice(start, end), "latin1"));
    start = end;
  }
  return { complete, body: pieces.join(""), parser };
}

const cutsArbitrary = fc.array(fc.nat(2000), { maxLength: 8 });

test("ResponseParser: gives the same answer for every way the bytes are cut", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), cutsArbitrary, fc.boolean(), (text, cuts, chunked) => {
      const body = Buffer.from(text).toString("latin1");
      const half = Math.floor(body.length / 2);
      const frames = [body.slice(0, half), body.slice(half)].filter((part) => part !== "");
      const chunks = `${frames.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("")}0\r\n\r\n`;
      const head = 'HTTP/1.1 200 OK\r\nETag: "abc"\r\nServer: x\r\n';
      const whole = chunked
        ? `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`
        : `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
      const parsed = parse(whole, cuts);
      expect(parsed.complete).toBe(true);
      expect(parsed.body).toBe(body);
      expect(parsed.parser.status).toBe(200);
      expect(parsed.parser.etag).toBe('"abc"');
    }),
  );
});

test("ResponseParser: HEAD and 204 have no body", () => {
  const head = parse("HTTP/1.1 200 OK\r\ncontent-length: 4096\r\n\r\n", [], true);
  expect(head.complete).toBe(true);
  expect(head.parser.contentLength).toBe(4096);
  expect(parse("HTTP/1.1 204 No Content\r\n\r\n", [5]).complete).toBe(true);
});

test("ResponseParser: skips an interim answer", () => {
  const parsed = parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", []);
  expect(parsed.complete).toBe(true);
  expect(parsed.body).toBe("ok");
});

test("ResponseParser: refuses what is no answer or is too long", () => {
  expect(() => parse("SSH-2.0-server\r\n\r\n", [])).toThrow("not HTTP/1.1");
  expect(() => parse("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nok", [])).toThrow("longer");
});
