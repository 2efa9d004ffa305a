import { expect, test } from "bun:test";
import { AnswerCheck } from "./answer-check.ts";

const text = { type: "string" };
const check = new AnswerCheck({
  paths: {
    "/api/v1/things/{id}": {
      get: {
        responses: {
          200: {
            headers: { ETag: {} },
            content: { "application/json": { schema: { $ref: "#/components/schemas/Thing" } } },
          },
          default: {},
        },
      },
      delete: { responses: { 204: {}, default: {} } },
    },
  },
  components: {
    schemas: {
      Thing: { type: "object", required: ["id"], properties: { id: text }, additionalProperties: false },
      Problem: { type: "object", required: ["code"], properties: { code: text } },
    },
  },
});
const json = { "content-type": "application/json; charset=utf-8", etag: '"1"' };

function answer(status: number, body: string, headers: Record<string, string> = json) {
  return { method: "GET", path: "/api/v1/things/7?a=b", status, headers: new Headers(headers), text: body };
}

test("AnswerCheck: what the document says passes", () => {
  check.check(answer(200, '{"id":"7"}'));
  check.check(answer(404, '{"code":"NotFound"}', { "content-type": "application/problem+json" }));
  check.check({ ...answer(204, "", {}), method: "DELETE" });
  check.check({ ...answer(200, "whatever"), path: "/elsewhere" });
});

test.each([
  ["a further member", answer(200, '{"id":"7","more":1}')],
  ["a member of another type", answer(200, '{"id":7}')],
  ["no ETag", answer(200, '{"id":"7"}', { "content-type": "application/json" })],
  ["another status", answer(202, '{"id":"7"}')],
  ["another media type", answer(200, "7", { "content-type": "text/plain", etag: '"1"' })],
  ["a problem of another media type", answer(404, '{"code":"NotFound"}')],
  ["a body where none belongs", { ...answer(204, "{}", {}), method: "DELETE" }],
])("AnswerCheck: %s fails", (_, wrong) => expect(() => check.check(wrong)).toThrow("/api/v1/things/7"));
