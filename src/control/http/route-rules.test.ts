import { expect, test } from "bun:test";
import { collectRouteRules } from "./route-rules.ts";

const route = (path: string, detail?: object) => ({ method: "GET", path, hooks: detail ? { detail } : {} });

test("collectRouteRules: each route that is not public has its rule, HEAD is GET", () => {
  const detail = { action: "iam:ListUsers", scope: "T", freshProof: true, decidedBy: "route", tags: ["users"] };
  const rules = collectRouteRules([route("/health"), route("/a/:id", detail)], new Set(["/health"]));
  const rule = { action: "iam:ListUsers", scope: "T", freshProof: true, decidedBy: "route" } as const;
  expect(rules.find("GET", "/a/:id")).toEqual(rule);
  expect(rules.find("HEAD", "/a/:id")).toEqual(rule);
  expect(rules.find("POST", "/a/:id")).toBeUndefined();
  expect(rules.find("GET", "/health")).toBeUndefined();
});

test.each([
  undefined,
  { scope: "T" },
  { action: "iam:ListUsers" },
  { action: "ListUsers", scope: "T" },
  { action: "iam:List Users", scope: "T" },
  { action: "", scope: "T" },
  { action: "iam:ListUsers", scope: "X" },
])("collectRouteRules: a route with %o is refused, with its name", (detail) =>
  expect(() => collectRouteRules([route("/a", detail)], new Set())).toThrow("GET /a"),
);

test("collectRouteRules: a public route with a rule is refused: it would count for nothing", () => {
  const detail = { action: "iam:ListUsers", scope: "T" };
  expect(() => collectRouteRules([route("/a", detail)], new Set(["/a"]))).toThrow("GET /a");
});
