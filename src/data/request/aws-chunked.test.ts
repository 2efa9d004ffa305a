import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { deriveSigningKey } from "#kernel/sigv4/signing-key.ts";
import { authenticateRequest } from "#kernel/sigv4/verify-request.ts";
import { encodeAwsChunked } from "#testing/s3-signer.ts";
import { AwsChunkedDecoder, type AwsChunkedOptions } from "./aws-chunked.ts";

const secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const date = new Date("2013-05-24T00:00:00Z");
const scope = { date: "20130524", region: "us-east-1", service: "s3", text: "20130524/us-east-1/s3/aws4_request" };
const signingKey = deriveSigningKey(secretKey, scope);
const crc32OfHello = "x-amz-checksum-crc32:NhCmhg==";

interface Decoded {
  readonly data: string;
  readonly trailers: Readonly<Record<string, string>>;
}

/** What a decoder makes of `pieces`: the data and trailers, or the code of the error. */
function decode(options: AwsChunkedOptions, pieces: readonly Uint8Array[]): Decoded | string {
  try {
    const decoder = new AwsChunkedDecoder(options);
    let data = "";
    const collect = (bytes: Uint8Array) => {
      data += Buffer.from(bytes).toString("latin1");
    };
    for (const piece of pieces) decoder.push(piece, collect);
    return { data, trailers: decoder.finish().trailers };
  } catch (error) {
    if (error instanceof S3Error) return error.code;
    throw error;
  }
}

function unsignedOptions(
  decodedLength: number,
  trailerNames: readonly string[] = ["x-amz-checksum-crc32"],
): AwsChunkedOptions {
  return { signed: false, trailer: true, decodedLength, trailerNames };
}

function decodeText(options: AwsChunkedOptions, text: string): Decoded | string {
  return decode(options, [Buffer.from(text, "latin1")]);
}

/** A body as a client would sign it, with the options its verified headers give. */
function signedBody(
  data: Uint8Array,
  chunkBytes: number,
  trailer?: { name: string; value: string },
): { options: AwsChunkedOptions; body: Uint8Array } {
  const identity = { accessKeyId: "AK1", secretKey, region: "us-east-1", date };
  const { headers, body } = encodeAwsChunked(data, {
    ...identity,
    method: "PUT",
    url: "http://h/b/k",
    signed: true,
    chunkBytes,
    ...(trailer && { trailer }),
  });
  const request = { method: "PUT", rawPath: "/b/k", rawQuery: "", headers, rawHeaders: Object.entries(headers).flat() };
  const authentication = authenticateRequest(request, {
    findKey: () => ({ secretKey }),
    nowMs: date.getTime(),
    signatureV2: "off",
    region: "us-east-1",
    strictRegion: true,
  });
  if (
    authentication.kind !== "signed" ||
    authentication.payload.kind !== "chunked" ||
    authentication.seed === undefined
  )
    throw new Error("not a chunked request");
  const { signed, trailer: hasTrailer } = authentication.payload;
  return {
    options: {
      signed,
      trailer: hasTrailer,
      seed: authentication.seed,
      decodedLength: data.length,
      trailerNames: trailer ? [trailer.name] : [],
    },
    body,
  };
}

describe("AwsChunkedDecoder: AWS's published examples", () => {
  const letters = (count: number) => "a".repeat(count);
  const seedOf = (signature: string) => ({ signingKey, scope, timestamp: "20130524T000000Z", signature });

  test("66,560 bytes in signed chunks", () => {
    // Source: AWS "Transferring Payload in Multiple Chunks (Chunked Upload)".
    const options = {
      signed: true,
      trailer: false,
      seed: seedOf("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"),
      decodedLength: 66_560,
      trailerNames: [],
    };
    const body = [
      `10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n${letters(65_536)}\r\n`,
      `400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n${letters(1024)}\r\n`,
      "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n",
    ].join("");
    expect(body.length).toBe(66_824);
    expect(decodeText(options, body)).toEqual({ data: letters(66_560), trailers: {} });
    expect(decodeText(options, body.replace("aaa", "aab"))).toBe("SignatureDoesNotMatch");
    expect(decodeText(options, body.replace("=b6", "=b7"))).toBe("SignatureDoesNotMatch");
  });

  test("66,560 bytes in signed chunks with a trailer", () => {
    // Source: AWS "Including Trailing Headers (Chunked Upload)".
    const options = {
      signed: true,
      trailer: true,
      seed: seedOf("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"),
      decodedLength: 66_560,
      trailerNames: ["x-amz-checksum-crc32c"],
    };
    const body = [
      `10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n${letters(65_536)}\r\n`,
      `400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n${letters(1024)}\r\n`,
      "0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n",
      "x-amz-checksum-crc32c:sOO8/Q==\r\n",
      "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
    ].join("");
    expect(decodeText(options, body)).toEqual({
      data: letters(66_560),
      trailers: { "x-amz-checksum-crc32c": "sOO8/Q==" },
    });
    expect(decodeText(options, body.replace("sOO8", "sOO9"))).toBe("SignatureDoesNotMatch");
    expect(decodeText(options, body.replace("e435\r", "e436\r"))).toBe("SignatureDoesNotMatch");
    // Widely used clients end the trailer with LF and put an empty line before its signature.
    expect(decodeText(options, body.replace("Q==\r\n", "Q==\n\r\n"))).toEqual({
      data: letters(66_560),
      trailers: { "x-amz-checksum-crc32c": "sOO8/Q==" },
    });
  });
});

describe("AwsChunkedDecoder: any split gives the same result", () => {
  const bodies: readonly (readonly [string, AwsChunkedOptions, Uint8Array])[] = [
    ["unsigned with trailer", unsignedOptions(5), Buffer.from(`5\r\nhello\r\n0\r\n${crc32OfHello}\r\n\r\n`)],
    ["unsigned, two chunks", unsignedOptions(5), Buffer.from(`2\r\nhe\r\n3\r\nllo\r\n0\r\n${crc32OfHello}\r\n\r\n`)],
    ["damaged", unsignedOptions(5), Buffer.from(`2\r\nhe\r\n3\r\nllo\r0\r\n${crc32OfHello}\r\n\r\n`)],
    ...[undefined, { name: "x-amz-checksum-crc32", value: "NhCmhg==" }].map((trailer) => {
      const { options, body } = signedBody(Buffer.from("hello"), 3, trailer);
      return [`signed, trailer ${trailer?.name}`, options, body] as const;
    }),
  ];

  test.each(bodies)("%s: at every byte, and byte by byte", (_, options, body) => {
    const whole = decode(options, [body]);
    for (let at = 0; at <= body.length; at++)
      expect(decode(options, [body.subarray(0, at), body.subarray(at)])).toEqual(whole);
    expect(
      decode(
        options,
        [...body].map((byte) => Uint8Array.of(byte)),
      ),
    ).toEqual(whole);
  });

  test("random bodies, chunk sizes and splits", () => {
    const framing = fc.record({ chunkBytes: fc.integer({ min: 1, max: 1500 }), hasTrailer: fc.boolean() });
    const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 3000 }),
        framing,
        sizes,
        (data, { chunkBytes, hasTrailer }, pieceSizes) => {
          const { options, body } = signedBody(
            data,
            chunkBytes,
            hasTrailer ? { name: "x-amz-checksum-crc32", value: "AAAAAA==" } : undefined,
          );
          const pieces: Uint8Array[] = [];
          for (let offset = 0, index = 0; offset < body.length; index++) {
            const size = pieceSizes[index % pieceSizes.length] ?? 1;
            pieces.push(body.subarray(offset, offset + size));
            offset += size;
          }
          const trailers = hasTrailer ? { "x-amz-checksum-crc32": "AAAAAA==" } : {};
          expect(decode(options, pieces)).toEqual({ data: Buffer.from(data).toString("latin1"), trailers });
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("AwsChunkedDecoder: framing", () => {
  test("hands out views of the bytes pushed, copying nothing", () => {
    const body = Buffer.from(`5\r\nhello\r\n0\r\n${crc32OfHello}\r\n\r\n`);
    new AwsChunkedDecoder(unsignedOptions(5)).push(body, (data) => {
      expect(data.buffer).toBe(body.buffer);
      expect(data.byteOffset).toBe(body.byteOffset + 3);
    });
  });

  test("chunks of any size, upper-case hex and leading zeros", () => {
    const options = unsignedOptions(11, []);
    expect(decodeText(options, "1\r\nx\r\n0A\r\n0123456789\r\n0\r\n\r\n")).toEqual({
      data: "x0123456789",
      trailers: {},
    });
    expect(decodeText(unsignedOptions(10, []), "a\r\n0123456789\r\n00\r\n\r\n")).toEqual({
      data: "0123456789",
      trailers: {},
    });
  });

  test("empty bodies, framed or not", () => {
    expect(decodeText(unsignedOptions(0, []), "0\r\n\r\n")).toEqual({ data: "", trailers: {} });
    expect(decodeText(unsignedOptions(0), "0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n")).toMatchObject({ data: "" });
    expect(decodeText(unsignedOptions(0, []), "")).toEqual({ data: "", trailers: {} });
    expect(decodeText(unsignedOptions(0), "")).toBe("IncompleteBody");
    expect(decodeText(unsignedOptions(1, []), "")).toBe("IncompleteBody");
    const { options, body } = signedBody(new Uint8Array(0), 8);
    expect(decode(options, [body])).toEqual({ data: "", trailers: {} });
    expect(decode(options, [])).toEqual({ data: "", trailers: {} });
  });

  test("more or less data than announced: IncompleteBody", () => {
    const body = `5\r\nhello\r\n0\r\n${crc32OfHello}\r\n\r\n`;
    expect(decodeText(unsignedOptions(4), body)).toBe("IncompleteBody");
    expect(decodeText(unsignedOptions(6), body)).toBe("IncompleteBody");
    expect(decodeText(unsignedOptions(5), "ffffffffffffffffffffffffffffffff\r\n")).toBe("IncompleteBody");
    expect(decodeText(unsignedOptions(2 ** 53 - 1), "fffffffffffffffff\r\n")).toBe("IncompleteBody");
    for (let length = 1; length < body.length - crc32OfHello.length - 4; length++) {
      expect(decodeText(unsignedOptions(5), body.slice(0, length))).toBe("IncompleteBody");
    }
  });

  test("a malformed chunk header or missing line break: InvalidRequest", () => {
    const refused = [
      "\r\n",
      "\n",
      "5\nhello\r\n",
      "g\r\n",
      "-5\r\n",
      "0x5\r\nhello",
      " 5\r\nhello",
      "5 \r\nhello",
      "5;a=b\r\nhello",
      "5\r\nhelloXX",
      "5\r\nhello\n",
      "+5\r\n",
      "5\r\r\n",
    ];
    for (const text of refused) expect([text, decodeText(unsignedOptions(5), text)]).toEqual([text, "InvalidRequest"]);
    const { options, body } = signedBody(Buffer.from("hello"), 8);
    const signedText = Buffer.from(body).toString("latin1");
    expect(decodeText(options, signedText.replace(/;chunk-signature=[0-9a-f]+/, ""))).toBe("InvalidRequest");
    expect(decodeText(options, signedText.replace("chunk-signature", "chunk-extension"))).toBe("InvalidRequest");
    expect(decodeText(options, `${signedText}x`)).toBe("InvalidRequest");
  });

  test("a chunk header may have 256 bytes, not 257", () => {
    const trailing = `\r\nhello\r\n0\r\n${crc32OfHello}\r\n\r\n`;
    expect(decodeText(unsignedOptions(5), `${"5".padStart(256, "0")}${trailing}`)).toMatchObject({ data: "hello" });
    expect(decodeText(unsignedOptions(5), `${"5".padStart(257, "0")}${trailing}`)).toBe("InvalidRequest");
    expect(decodeText(unsignedOptions(5), "0".repeat(100_000))).toBe("InvalidRequest");
  });

  test("after an error nothing can be pushed or finished", () => {
    const decoder = new AwsChunkedDecoder(unsignedOptions(5));
    expect(() => decoder.push(Buffer.from("x\r\n"), () => {})).toThrow(S3Error);
    expect(() => decoder.push(Buffer.from("0\r\n\r\n"), () => {})).toThrow(S3Error);
    expect(() => decoder.finish()).toThrow(S3Error);
  });
});

describe("AwsChunkedDecoder: signatures", () => {
  const trailer = { name: "x-amz-checksum-crc32", value: "NhCmhg==" };
  const { options, body } = signedBody(Buffer.from("hello"), 3, trailer);

  test("no byte can change", () => {
    for (let index = 0; index < body.length; index++) {
      const changed = Uint8Array.from(body);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect([index, typeof decode(options, [changed])]).toEqual([index, "string"]);
    }
  });

  test("chunks cannot be dropped, swapped or cut", () => {
    const [first = "", second = ""] =
      Buffer.from(body)
        .toString("latin1")
        .match(/\d;chunk-signature=\w+\r\n\w+\r\n/g) ?? [];
    const text = Buffer.from(body).toString("latin1");
    expect(decodeText({ ...options, decodedLength: 2 }, text.replace(first, ""))).toBe("SignatureDoesNotMatch");
    expect(decodeText(options, text.replace(first + second, second + first))).toBe("SignatureDoesNotMatch");
    expect(decodeText({ ...options, decodedLength: 3 }, text.replace(second, ""))).toBe("SignatureDoesNotMatch");
    expect(decodeText(options, text.slice(0, text.indexOf("x-amz-trailer-signature")))).toBe("MalformedTrailerError");
  });

  test("another key or seed: SignatureDoesNotMatch", () => {
    const { seed } = options;
    if (seed === undefined) throw new Error("no seed");
    expect(decode({ ...options, seed: { ...seed, signingKey: deriveSigningKey("another", scope) } }, [body])).toBe(
      "SignatureDoesNotMatch",
    );
    expect(decode({ ...options, seed: { ...seed, signature: "0".repeat(64) } }, [body])).toBe("SignatureDoesNotMatch");
    expect(decode({ signed: true, trailer: false, decodedLength: 5, trailerNames: [] }, [body])).toBe("InvalidRequest");
  });
});

test("AwsChunkedDecoder: no body makes it throw anything but S3Error, or hand out more than announced", () => {
  const fragment = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc
      .constantFrom("5\r\nhello\r\n", "0\r\n", "\r\n", crc32OfHello, "5;chunk-signature=", "x:y", "ffff\r\n", "\n")
      .map((text) => new Uint8Array(Buffer.from(text))),
  );
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 10 }), fc.integer({ min: 0, max: 12 }), (fragments, decodedLength) => {
      const result = decode(unsignedOptions(decodedLength), fragments);
      if (typeof result !== "string") expect(result.data.length).toBe(decodedLength);
    }),
    { numRuns: 2000 },
  );
});
