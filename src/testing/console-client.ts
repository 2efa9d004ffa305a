import type { AnswerCheck } from "./answer-check.ts";

/** A call of the control API. */
export interface ConsoleCall {
  readonly method?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Further headers; undefined takes one away that would be sent. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** An answer, read. */
export interface ConsoleAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; null when there is no body. */
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
  readonly body: any;
}

/** A browser with the console open: it keeps cookies, and sends Origin and the session's CSRF token as the console does. */
export class ConsoleClient {
  readonly origin: string;
  readonly cookies = new Map<string, string>();
  csrfToken = "";

  readonly #answers: AnswerCheck | undefined;

  /**
   * @param port of the console on the loopback address
   * @param answers fails calls whose answer is not as the document says
   */
  constructor(port: number, answers?: AnswerCheck) {
    this.#answers = answers;
    this.origin = `http://127.0.0.1:${port}`;
  }

  /** Makes a call; a path without a slash in front is below `/api/v1/`. */
  async call(path: string, { method, body, headers = {} }: ConsoleCall = {}): Promise<ConsoleAnswer> {
    const verb = method ?? (body === undefined ? "GET" : "POST");
    const all: Record<string, string | undefined> = {
      cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ") || undefined,
      ...(verb !== "GET" && { origin: this.origin, "content-type": "application/json" }),
      ...(this.csrfToken !== "" && { "x-maxiofs-csrf": this.csrfToken }),
      ...headers,
    };
    const response = await fetch(path.startsWith("/") ? this.origin + path : `${this.origin}/api/v1/${path}`, {
      method: verb,
      headers: Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    for (const cookie of response.headers.getSetCookie()) this.#keep(cookie);
    const text = await response.text();
    const { status, headers: answered } = response;
    const full = path.startsWith("/") ? path : `/api/v1/${path}`;
    this.#answers?.check({ method: verb, path: full, status, headers: answered, text });
    const parsed = /json/.test(response.headers.get("content-type") ?? "") ? JSON.parse(text) : null;
    if (typeof parsed?.csrfToken === "string") this.csrfToken = parsed.csrfToken;
    return { status: response.status, headers: response.headers, body: parsed };
  }

  /** First step of a log-in as a user of the tenant `default`. */
  logIn(username: string, password: string, headers: ConsoleCall["headers"] = {}): Promise<ConsoleAnswer> {
    return this.call("auth/login", { body: { username, password }, headers });
  }

  #keep(cookie: string): void {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
    if (/Max-Age=0/i.test(cookie)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}
