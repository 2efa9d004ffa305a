import { type Expression, type MemberExpression, Visitor } from "oxc-parser";
import type { Problem, SourceFile } from "./source-file.ts";

/** One kind of effect, where it may stand in shipped code, and how it is spelt. */
interface EffectRule {
  readonly allowedIn: RegExp;
  readonly message: string;
  /** `object.property` pairs; `*` as property stands for all of them. */
  readonly members: readonly string[];
  /** Modules that may not be imported at all, or `module#name` for one export of them. */
  readonly modules: readonly string[];
}

const environment: EffectRule = {
  allowedIn: /^src\/main\.ts$/,
  message: "environment and arguments are read only in src/main.ts",
  members: ["process.env", "process.argv", "Bun.env", "Bun.argv", "meta.env"],
  modules: ["node:process"],
};

const clockAndRandom: EffectRule = {
  allowedIn: /^src\/kernel\/base\/(clock|random)\.ts$/,
  message: "clock and randomness come from src/kernel/base/clock.ts and random.ts, passed in",
  members: [
    "Date.now",
    "performance.now",
    "process.hrtime",
    "Bun.nanoseconds",
    "Math.random",
    "Bun.randomUUIDv7",
    "crypto.randomUUID",
    "crypto.randomBytes",
    "crypto.randomInt",
    "crypto.getRandomValues",
  ],
  modules: ["randomBytes", "randomFill", "randomFillSync", "randomInt", "randomUUID", "getRandomValues"].map(
    (name) => `node:crypto#${name}`,
  ),
};

const output: EffectRule = {
  allowedIn: /^src\/(main\.ts$|control\/observe\/)/,
  message: "only src/main.ts and src/control/observe write to the console",
  members: ["console.*", "process.stdout", "process.stderr"],
  modules: [],
};

const fileSystem: EffectRule = {
  allowedIn:
    /^src\/(main\.ts$|data\/(blobs|catalog|writer|multipart)\/|control\/database\/|control\/openapi\/openapi\.routes|control\/audit\/data-event-files)/,
  message:
    "files are touched only in data/blobs, data/catalog, data/writer, data/multipart, control/database, control/audit/data-event-files and main.ts; control/openapi reads what the program carries",
  members: ["Bun.file", "Bun.write"],
  modules: ["node:fs", "node:fs/promises", "bun:sqlite"],
};

/** Refuses `process.env` and `process.argv` outside `src/main.ts`. */
export function findEnvironmentProblems(file: SourceFile): Problem[] {
  return findEffects(file, environment);
}

/** Refuses clocks and random sources outside `src/kernel/base`; `new Date()` and `Date()` without an argument are clocks. */
export function findClockProblems(file: SourceFile): Problem[] {
  if (!isGuarded(file, clockAndRandom)) return [];
  const problems = findEffects(file, clockAndRandom);
  const check = (node: { callee: Expression; arguments: readonly unknown[]; start: number }) => {
    const isDate = node.callee.type === "Identifier" && node.callee.name === "Date";
    if (!isDate || node.arguments.length > 0) return;
    problems.push({ path: file.path, line: file.lineAt(node.start), message: clockAndRandom.message });
  };
  new Visitor({ NewExpression: check, CallExpression: check }).visit(file.program);
  return problems;
}

/** Refuses `console` and the standard streams outside `src/main.ts` and `src/control/observe`. */
export function findOutputProblems(file: SourceFile): Problem[] {
  return findEffects(file, output);
}

/** Refuses the file system and SQLite outside the folders that own files. */
export function findFileSystemProblems(file: SourceFile): Problem[] {
  return findEffects(file, fileSystem);
}

function isGuarded(file: SourceFile, rule: EffectRule): boolean {
  return file.isShipped && !rule.allowedIn.test(file.path);
}

function findEffects(file: SourceFile, rule: EffectRule): Problem[] {
  if (!isGuarded(file, rule)) return [];
  const problems: Problem[] = [];
  const refuse = (offset: number, what: string) => {
    problems.push({ path: file.path, line: file.lineAt(offset), message: `${what}: ${rule.message}` });
  };
  new Visitor({
    MemberExpression: (node) => {
      const [object, property] = spell(node);
      if (rule.members.includes(`${object}.${property}`) || rule.members.includes(`${object}.*`)) {
        refuse(node.start, `${object}.${property}`);
      }
    },
    ImportDeclaration: (node) => {
      if (node.importKind === "type") return;
      const module = node.source.value;
      if (rule.modules.includes(module)) return refuse(node.start, module);
      for (const part of node.specifiers) {
        if (part.type !== "ImportSpecifier" || part.importKind === "type") continue;
        const name = part.imported.type === "Literal" ? part.imported.value : part.imported.name;
        if (rule.modules.includes(`${module}#${name}`)) refuse(part.start, `${name} of ${module}`);
      }
    },
    ImportExpression: (node) => {
      if (node.source.type !== "Literal") return;
      const module = String(node.source.value);
      if (rule.modules.includes(module)) refuse(node.start, module);
    },
  }).visit(file.program);
  return problems;
}

/** The last two names of a chain: `globalThis.process.env` gives `process` and `env`. */
function spell(node: MemberExpression): [object: string, property: string] {
  const property = node.property.type === "Literal" ? String(node.property.value) : nameOf(node.property);
  const object = node.object.type === "MemberExpression" ? nameOf(node.object.property) : nameOf(node.object);
  return [object, property];
}

function nameOf(node: Expression | MemberExpression["property"]): string {
  if (node.type === "Identifier" || node.type === "PrivateIdentifier") return node.name;
  return node.type === "MetaProperty" ? node.property.name : "";
}
