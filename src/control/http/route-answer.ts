import { type TSchema, t } from "elysia";

/** What a route answers when it succeeds, for the OpenAPI document; the tests hold every answer they get against it. */
export interface RouteAnswer {
  readonly status: 200 | 201 | 204;
  readonly description: string;
  /** What a body is, by media type; absent when there is none. */
  readonly content?: Readonly<Record<string, TSchema>>;
  readonly headers: readonly ("ETag" | "Location")[];
}

const strict = { additionalProperties: false };

/** RFC 3339, UTC. */
export const timeText = t.String({ format: "date-time" });
/** The same, or null. */
export const timeOrNull = t.Union([timeText, t.Null()]);
/** A text, or null. */
export const textOrNull = t.Union([t.String(), t.Null()]);

/** 200 with a thing that has no revision. */
export function valueAnswer(schema: TSchema, description = "As it is"): RouteAnswer {
  return { status: 200, description, content: { "application/json": schema }, headers: [] };
}

/** 200 with a thing that can be edited: its revision is the ETag. */
export function itemAnswer(schema: TSchema): RouteAnswer {
  return { ...valueAnswer(schema), headers: ["ETag"] };
}

/** 201 with a thing that can be edited. */
export function madeAnswer(schema: TSchema): RouteAnswer {
  return { ...itemAnswer(schema), status: 201, description: "It was made", headers: ["ETag", "Location"] };
}

/** 200 with a page. */
export function pageAnswer(item: TSchema): RouteAnswer {
  const schema = t.Object({ items: t.Array(item), nextCursor: textOrNull }, strict);
  return valueAnswer(schema, "A page; `nextCursor` asks for the next one and is null on the last");
}

/** 200 with bytes of another type. */
export function streamAnswer(type: string, description: string): RouteAnswer {
  return { status: 200, description, content: { [type]: t.String() }, headers: [] };
}

/** 204. */
export const doneAnswer: RouteAnswer = { status: 204, description: "It was done", headers: [] };

/** 204 of a change of something that stays and has another revision now. */
export const editedAnswer: RouteAnswer = { ...doneAnswer, headers: ["ETag"] };
