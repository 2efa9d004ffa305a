import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { findDocProblems } from "../scripts/tidy/doc-rules.ts";
import {
  findClockProblems,
  findEnvironmentProblems,
  findFileSystemProblems,
  findOutputProblems,
} from "../scripts/tidy/effect-rules.ts";
import { findImportProblems } from "../scripts/tidy/import-rules.ts";
import {
  findFunctionProblems,
  findLengthProblems,
  findNameProblems,
  longFileLines,
  maxFileLines,
  maxFunctionLines,
} from "../scripts/tidy/shape-rules.ts";
import { type Problem, parseSourceFile, type SourceFile } from "../scripts/tidy/source-file.ts";
import { findSqlProblems } from "../scripts/tidy/sql-rules.ts";

type Rule = (file: SourceFile) => Problem[];

const top = join(import.meta.dir, "..");
const files = await readTree();

async function readTree(): Promise<SourceFile[]> {
  const paths = [...new Bun.Glob("{src,scripts,bench}/**/*.{ts,tsx}").scanSync({ cwd: top })].toSorted();
  return Promise.all(paths.map(async (path) => parseSourceFile(path, await Bun.file(join(top, path)).text())));
}

/** The broken rules of the whole tree, one line each, so that a failure names all of them. */
function checkTree(rule: Rule): string[] {
  return files.flatMap(rule).map(({ path, line, message }) => `${path}:${line} ${message}`);
}

/** The lines at which a rule finds a problem in a snippet. */
function linesFound(rule: Rule, path: string, text: string): number[] {
  return rule(parseSourceFile(path, text)).map((problem) => problem.line);
}

function lines(count: number): string {
  return "work();\n".repeat(count);
}

describe("imports", () => {
  test("tree: layers, packages and spelling are as the table says", () => {
    expect(checkTree(findImportProblems)).toEqual([]);
  });

  test.each([
    ["src/kernel/s3/a.ts", "#data/pool.ts"],
    ["src/kernel/s3/a.ts", "node:fs"],
    ["src/kernel/s3/a.ts", "elysia"],
    ["src/kernel/s3/a.ts", "#kernel/xml/b.ts"],
    ["src/kernel/s3/a.ts", "./b"],
    ["src/kernel/s3/a.ts", "../../../../etc/b.ts"],
    ["src/data/pool.ts", "#control/app.ts"],
    ["src/data/pool.ts", "../kernel/s3/a.ts"],
    ["src/data/pool.ts", "#testing/fake-clock.ts"],
    ["src/data/pool.ts", "fast-check"],
    ["src/data/pool.ts", "bun:test"],
    ["src/data/blobs/a.ts", "../operations/put-object.ts"],
    ["src/data/operations/a.ts", "../http/render-error.ts"],
    ["src/control/app.ts", "#data/pool.ts"],
    ["src/control/iam/iam.ts", "../tenants/tenant-store.ts"],
    ["src/console/api.ts", "#kernel/sigv4/a.ts"],
    ["src/console/api.ts", "#control/app.ts"],
    ["src/main.ts", "elysia"],
    ["src/testing/a.ts", "#console/api.ts"],
  ])("findImportProblems: %s may not import %s", (path, specifier) => {
    expect(linesFound(findImportProblems, path, `\nimport { a } from "${specifier}";`)).toEqual([2]);
    expect(linesFound(findImportProblems, path, `\nexport { a } from "${specifier}";`)).toEqual([2]);
    expect(linesFound(findImportProblems, path, `\nconst a = import("${specifier}");`)).toEqual([2]);
  });

  test.each([
    ["src/kernel/xml/a.ts", "../s3/s3-error.ts"],
    ["src/kernel/xml/a.test.ts", "#testing/seeded-random.ts"],
    ["src/kernel/xml/a.test.ts", "fast-check"],
    ["src/kernel/xml/a.ts", "node:crypto"],
    ["src/kernel/settings/a.ts", "@sinclair/typebox/value"],
    ["src/data/operations/put-object.ts", "../catalog/catalog.ts"],
    ["src/data/pool.ts", "#kernel/s3/s3-error.ts"],
    ["src/control/app.ts", "@elysiajs/swagger"],
    ["src/main.ts", "./data/pool.ts"],
    ["bench/run.ts", "#testing/s3-client/client.ts"],
  ])("findImportProblems: %s may import %s", (path, specifier) => {
    expect(linesFound(findImportProblems, path, `import { a } from "${specifier}";`)).toEqual([]);
  });

  test("findImportProblems: the kernel may import types of the platform", () => {
    const text = 'import type { MessagePort } from "node:worker_threads";';
    expect(linesFound(findImportProblems, "src/kernel/protocol/a.ts", text)).toEqual([]);
  });

  test("findImportProblems: the console may import types of the control app, and nothing else of control", () => {
    expect(linesFound(findImportProblems, "src/console/api.ts", 'import type { A } from "#control/app.ts";')).toEqual(
      [],
    );
    expect(linesFound(findImportProblems, "src/console/api.ts", 'import type { A } from "#control/b.ts";')).toEqual([
      1,
    ]);
  });
});

describe("shape", () => {
  test("tree: file names say something", () => {
    expect(checkTree(findNameProblems)).toEqual([]);
  });

  test("findNameProblems: refuses index, utils, helpers, types, common, in tests too", () => {
    for (const stem of ["index", "utils", "helpers", "types", "common"]) {
      expect(linesFound(findNameProblems, `src/data/${stem}.ts`, "")).toEqual([1]);
      expect(linesFound(findNameProblems, `src/data/${stem}.test.ts`, "")).toEqual([1]);
    }
    expect(linesFound(findNameProblems, "src/data/list-types.ts", "")).toEqual([]);
  });

  test("tree: files are no longer than they may be", () => {
    const long = files.filter((file) => file.lineCount > longFileLines && file.lineCount <= maxFileLines);
    for (const file of long) console.warn(`${file.path}: ${file.lineCount} lines; is it still one concept?`);
    expect(checkTree(findLengthProblems)).toEqual([]);
  });

  test("findLengthProblems: refuses the line after the last allowed one", () => {
    expect(linesFound(findLengthProblems, "src/data/a.ts", lines(maxFileLines))).toEqual([]);
    expect(linesFound(findLengthProblems, "src/data/a.ts", lines(maxFileLines + 1))).toEqual([maxFileLines + 1]);
  });

  test("tree: functions fit a screen", () => {
    expect(checkTree(findFunctionProblems)).toEqual([]);
  });

  test("findFunctionProblems: measures functions, arrows and methods, but not describe", () => {
    const fits = lines(maxFunctionLines - 2);
    const tooLong = lines(maxFunctionLines - 1);
    const wrappers = [
      (body: string) => `\nfunction a() {\n${body}}`,
      (body: string) => `\nconst a = () => {\n${body}};`,
      (body: string) => `class A {\na() {\n${body}}\n}`,
      (body: string) => `\ntest("a", () => {\n${body}});`,
    ];
    for (const wrap of wrappers) {
      expect(linesFound(findFunctionProblems, "src/data/a.test.ts", wrap(fits))).toEqual([]);
      expect(linesFound(findFunctionProblems, "src/data/a.test.ts", wrap(tooLong))).toEqual([2]);
    }
    expect(linesFound(findFunctionProblems, "src/data/a.test.ts", `describe("a", () => {\n${tooLong}});`)).toEqual([]);
  });
});

describe("comments", () => {
  test("tree: every export is documented", () => {
    expect(checkTree(findDocProblems)).toEqual([]);
  });

  test.each([
    "export const a = 1;",
    "/* no doc comment */\nexport const a = 1;",
    "// no doc comment\nexport const a = 1;",
    "/** */\nexport const a = 1;",
    "/** Too far away. */\n\nexport const a = 1;",
    "/** Of another one. */\nconst b = 1;\nexport const a = 1;",
    "export function a() {}",
    "export class A {}",
    "export interface A {}",
    "export type A = 1;",
    "const a = 1;\nexport { a };",
  ])("findDocProblems: finds %j", (text) => {
    expect(linesFound(findDocProblems, "src/data/a.ts", text)).toEqual([text.split("\n").length]);
    expect(linesFound(findDocProblems, "src/data/a.test.ts", text)).toEqual([]);
  });

  test("findDocProblems: one comment is enough for overloads", () => {
    const overloads =
      "export function a(b: 1): 1;\nexport function a(b: 2): 2;\nexport function a(b: never) { return b; }";
    expect(linesFound(findDocProblems, "src/data/a.ts", `/** Says what it does. */\n${overloads}`)).toEqual([]);
  });
});

describe("SQL", () => {
  test("tree: SQL is never put together from values", () => {
    expect(checkTree(findSqlProblems)).toEqual([]);
  });

  test.each([
    ["a.query(`SELECT * FROM t WHERE k = '$" + "{key}'`)"],
    ["a.run(`\n  UPDATE t SET k = $" + "{key()}`)"],
    ['const sql = "DELETE FROM t WHERE k = " + key'],
    ['a.exec("SELECT a" + " FROM t WHERE k = " + key)'],
    ["a.prepare(`PRAGMA cache_size = $" + "{size}`)"],
    ["a.query(`SELECT $" + "{COLUMNS} FROM t`)"],
    ["function f(COLUMNS) { a.query(`SELECT $" + "{COLUMNS} FROM t`) }"],
    ["function f() { const KEY = read(); a.query(`SELECT $" + "{KEY} FROM t`) }"],
    ["const KEY = read(); a.query(`SELECT $" + "{KEY} FROM t`)"],
    ["let KEY = 'a'; a.query(`SELECT $" + "{KEY} FROM t`)"],
    ["a.query(`SELECT $" + "{request.KEY} FROM t`)"],
  ])("findSqlProblems: finds %j", (text) => {
    expect(linesFound(findSqlProblems, "src/data/catalog/a.ts", text)).toEqual([1]);
  });

  test.each([
    ["a.query('SELECT * FROM t WHERE k = ?').get(key)"],
    ["const COLUMNS = 'a, b'; a.query(`SELECT $" + "{COLUMNS} FROM t`)"],
    ["const A = 'a'; export const COLUMNS = `$" + "{A}, ` + 'b'; a.query(`SELECT $" + "{COLUMNS} FROM t`)"],
    ["'SELECT a' + ' FROM t'"],
    ["`Delete the bucket $" + "{name} first`"],
  ])("findSqlProblems: allows %j", (text) => {
    expect(linesFound(findSqlProblems, "src/data/catalog/a.ts", text)).toEqual([]);
  });

  test("findSqlProblems: a file that opens a database may put pragmas together, and nothing else", () => {
    const path = "src/data/catalog/open-catalog.ts";
    expect(linesFound(findSqlProblems, path, "a.run(`PRAGMA cache_size = $" + "{size}`)")).toEqual([]);
    expect(linesFound(findSqlProblems, path, "a.run(`SELECT $" + "{size}`)")).toEqual([1]);
  });
});

describe("effects", () => {
  test("tree: environment and arguments are read only in main", () => {
    expect(checkTree(findEnvironmentProblems)).toEqual([]);
  });

  test("findEnvironmentProblems: finds each spelling", () => {
    for (const text of [
      "process.env.A",
      "process.argv",
      "Bun.env",
      "globalThis.process.env",
      'process["env"]',
      "import.meta.env",
    ]) {
      expect(linesFound(findEnvironmentProblems, "src/data/a.ts", text)).toEqual([1]);
      expect(linesFound(findEnvironmentProblems, "src/main.ts", text)).toEqual([]);
    }
  });

  test("tree: clock and randomness are passed in", () => {
    expect(checkTree(findClockProblems)).toEqual([]);
  });

  test("findClockProblems: finds each spelling", () => {
    const spellings = [
      "Date.now()",
      "const now = Date.now;",
      "new Date()",
      "performance.now()",
      "Math.random()",
      "crypto.randomBytes(8)",
      "crypto.randomUUID()",
      'import { randomBytes } from "node:crypto";',
      'import { randomUUID as make } from "node:crypto";',
    ];
    for (const text of spellings) {
      expect(linesFound(findClockProblems, "src/control/a.ts", text)).toEqual([1]);
      expect(linesFound(findClockProblems, "src/kernel/base/clock.ts", text)).toEqual([]);
    }
    expect(linesFound(findClockProblems, "src/control/a.ts", "new Date(1)")).toEqual([]);
  });

  test("tree: output is written only by main and control/observe", () => {
    expect(checkTree(findOutputProblems)).toEqual([]);
  });

  test("findOutputProblems: finds each spelling", () => {
    for (const text of ["console.log(1)", "console.error(1)", "process.stdout.write(a)", "globalThis.console.log(1)"]) {
      expect(linesFound(findOutputProblems, "src/data/a.ts", text)).toEqual([1]);
      expect(linesFound(findOutputProblems, "src/control/observe/log.ts", text)).toEqual([]);
    }
  });

  test("tree: files are touched only by the folders that own them", () => {
    expect(checkTree(findFileSystemProblems)).toEqual([]);
  });

  test("findFileSystemProblems: finds each spelling", () => {
    const spellings = [
      'import { open } from "node:fs/promises";',
      'import * as fs from "node:fs";',
      'import { Database } from "bun:sqlite";',
      'await import("node:fs");',
      "Bun.file(a)",
      "Bun.write(a, b)",
    ];
    for (const text of spellings) {
      expect(linesFound(findFileSystemProblems, "src/data/operations/a.ts", text)).toEqual([1]);
      expect(linesFound(findFileSystemProblems, "src/data/blobs/disk-blobs/a.ts", text)).toEqual([]);
    }
  });
});
