import Ajv, { type ValidateFunction } from "ajv/dist/2020.js";
import type { ApiDocument, DescribedCall } from "#control/openapi/describe-routes.ts";

/** An answer of the control API. */
export interface CheckedAnswer {
  readonly method: string;
  /** With or without a query. */
  readonly path: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Holds answers of the control API against its OpenAPI document: status, headers, media type, and JSON bodies by their schema. */
export class AnswerCheck {
  readonly #document: ApiDocument;
  readonly #ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  readonly #validators = new Map<object, ValidateFunction>();
  readonly #patterns: readonly { readonly path: string; readonly pattern: RegExp }[];

  constructor(document: ApiDocument) {
    this.#document = document;
    this.#ajv.addSchema({ $id: "document", components: document["components"] });
    // Fixed segments win over parameters, as in the router.
    this.#patterns = Object.keys(document.paths)
      .toSorted((a, b) => a.split("{").length - b.split("{").length)
      .map((path) => ({ path, pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}/?$`) }));
  }

  /** @throws Error saying how an answer of a call that the document knows is not as it says */
  check({ method, path, status, headers, text }: CheckedAnswer): void {
    const operation = path.startsWith("/api/v1/") ? this.#find(method, path) : undefined;
    if (operation === undefined) return;
    // A body above the limit is refused by the engine.
    if (status === 413 && text === "") return;
    const name = `${method} ${path} ${status}`;
    const [, response] = Object.entries(operation.responses).find(([wanted]) => fits(wanted, status)) ?? [];
    if (response === undefined) throw new Error(`${name} is not in the document: ${text}`);
    const absent = Object.keys(response["headers"] ?? {}).filter((header) => !headers.has(header));
    if (absent.length > 0) throw new Error(`${name} has no ${absent.join(", ")}`);
    if (method === "HEAD") return;
    const content = status >= 400 ? problem : response.content;
    if (content === undefined && text !== "") throw new Error(`${name} has a body: ${text}`);
    if (content === undefined) return;
    const type = baseOf(headers.get("content-type") ?? "");
    const [, media] = Object.entries(content).find(([wanted]) => baseOf(wanted) === type) ?? [];
    if (media === undefined) throw new Error(`${name} has the media type ${type}`);
    if (type.endsWith("json")) this.#checkBody(name, media.schema, text);
  }

  #find(method: string, path: string): DescribedCall | undefined {
    const verb = method === "HEAD" ? "get" : method.toLowerCase();
    const plain = path.split("?")[0] ?? "";
    const found = this.#patterns.filter(({ pattern }) => pattern.test(plain));
    return found.map((one) => this.#document.paths[one.path]?.[verb]).find((operation) => operation !== undefined);
  }

  #checkBody(name: string, schema: object, text: string): void {
    let validate = this.#validators.get(schema);
    if (validate === undefined) {
      const referring = JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/');
      validate = this.#ajv.compile(JSON.parse(referring));
      this.#validators.set(schema, validate);
    }
    if (!validate(JSON.parse(text)))
      throw new Error(`${name} is not as the document says: ${this.#ajv.errorsText(validate.errors)}; ${text}`);
  }
}

const problem = {
  "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
} as const;

/** A media type without parameters. */
function baseOf(type: string): string {
  return type.split(";")[0]?.trim().toLowerCase() ?? "";
}

/** Failures may be any; successes are the one that is named. */
function fits(wanted: string, status: number): boolean {
  return status >= 400 ? wanted === "default" : wanted === String(status);
}
