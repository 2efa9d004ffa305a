import { dirname, join } from "node:path/posix";
import { Visitor } from "oxc-parser";
import { type Layer, layerOf, type Problem, type SourceFile } from "./source-file.ts";

interface ImportEdge {
  readonly specifier: string;
  readonly isTypeOnly: boolean;
  readonly line: number;
}

/** Which layers a layer may import. Tests may import `testing` as well. */
const allowedLayers: Readonly<Record<Layer, readonly Layer[]>> = {
  kernel: ["kernel"],
  data: ["kernel", "data"],
  control: ["kernel", "control"],
  console: ["console", "kernel"],
  testing: ["kernel", "data", "control", "testing"],
  bench: ["kernel", "data", "control", "testing", "bench"],
  scripts: ["kernel", "scripts"],
  main: ["kernel", "data", "control", "console"],
  root: ["kernel", "data", "control", "console", "testing", "scripts", "main"],
};

/** Which packages a layer may import; `any` where nothing is shipped. A new one needs a reason in the layer's README. */
const allowedPackages: Readonly<Record<Layer, readonly string[] | "any">> = {
  kernel: ["@sinclair/typebox"],
  data: ["hash-wasm"],
  control: ["elysia", "@elysiajs/*", "prom-client", "otplib", "swagger-ui-dist"],
  console: ["solid-js", "@solidjs/*", "@kobalte/core", "uplot"],
  testing: "any",
  bench: "any",
  scripts: "any",
  main: [],
  root: "any",
};

/** The platform's modules that do no input or output: all that the kernel may use. `node:net` is there for `isIP`. */
const pureModules = [
  "node:assert",
  "node:buffer",
  "node:crypto",
  "node:net",
  "node:string_decoder",
  "node:util",
  "node:zlib",
];

const kernelFoldersOfConsole = ["src/kernel/s3/", "src/kernel/policy/", "src/kernel/settings/"];

/** Inside `data`: folders that may not be imported from the ones on the left, since calls point down only. */
const upwardInData: readonly (readonly [from: RegExp, to: RegExp])[] = [
  [/^src\/data\/(catalog|blobs|multipart|crypto)\//, /^src\/data\/(operations|http|listener)\//],
  [/^src\/data\/request\//, /^src\/data\/(operations|http|listener)\//],
  [/^src\/data\/operations\//, /^src\/data\/(http|listener)\//],
];

/** Checks every import of a file: its direction between layers, its package, how it is spelt. */
export function findImportProblems(file: SourceFile): Problem[] {
  return readImportEdges(file).flatMap((edge) => {
    const message = judgeEdge(file, edge);
    return message === undefined ? [] : [{ path: file.path, line: edge.line, message }];
  });
}

function judgeEdge(file: SourceFile, edge: ImportEdge): string | undefined {
  const { specifier } = edge;
  if (specifier.startsWith("node:") || specifier === "bun" || specifier.startsWith("bun:")) {
    return edge.isTypeOnly ? undefined : judgePlatformModule(file, specifier);
  }
  const target = resolveInTree(file.path, specifier);
  if (target === undefined) return judgePackage(file, specifier);
  if (!/\.(tsx?|json|css|html|svg|sql)$/.test(specifier))
    return `"${specifier}" must end in its extension, such as .ts`;
  return judgeTarget(file, edge, target);
}

function judgePlatformModule(file: SourceFile, specifier: string): string | undefined {
  if (file.layer === "kernel" && !file.isTest && !pureModules.includes(specifier)) {
    return `the kernel is pure and may not import "${specifier}"`;
  }
  if (file.layer === "console" && !file.isTest) return `the console runs in browsers and may not import "${specifier}"`;
  if (file.isShipped && specifier === "bun:test") return `only tests may import "${specifier}"`;
  return undefined;
}

function judgePackage(file: SourceFile, specifier: string): string | undefined {
  const allowed = allowedPackages[file.layer];
  if (allowed === "any" || file.isTest) return undefined;
  const matches = (pattern: string) =>
    pattern.endsWith("/*")
      ? specifier.startsWith(pattern.slice(0, -1))
      : specifier === pattern || specifier.startsWith(`${pattern}/`);
  return allowed.some(matches) ? undefined : `${file.layer} may not import the package "${specifier}"`;
}

function judgeTarget(file: SourceFile, edge: ImportEdge, target: string): string | undefined {
  if (target === "package.json") return undefined;
  if (!/^(src|scripts|bench)\//.test(target)) return `"${edge.specifier}" points outside src, scripts and bench`;
  const to = layerOf(target);
  if (file.layer === "console" && target === "src/control/app.ts" && edge.isTypeOnly) return undefined;
  const isAllowed = allowedLayers[file.layer].includes(to) || (file.isTest && to === "testing");
  if (!isAllowed) return `${file.layer} may not import ${to} ("${edge.specifier}")`;
  if (file.layer === "console" && to === "kernel" && !kernelFoldersOfConsole.some((at) => target.startsWith(at))) {
    return `the console may import only s3, policy and settings of the kernel, not "${edge.specifier}"`;
  }
  return judgeSpelling(file, edge, to) ?? judgeInsideLayer(file, edge, target);
}

function judgeSpelling(file: SourceFile, edge: ImportEdge, to: Layer): string | undefined {
  if (file.layer === "main" || file.layer === "root") return undefined;
  const isAlias = edge.specifier.startsWith("#");
  if (file.layer === to && isAlias) return `"${edge.specifier}" is in the same layer: import it by a relative path`;
  if (file.layer !== to && !isAlias) return `"${edge.specifier}" crosses layers: import it as #${to}/...`;
  return undefined;
}

function judgeInsideLayer(file: SourceFile, edge: ImportEdge, target: string): string | undefined {
  if (file.isTest) return undefined;
  const isUpward = upwardInData.some(([from, to]) => from.test(file.path) && to.test(target));
  if (isUpward)
    return `"${edge.specifier}" points up: data goes http -> operations -> request -> catalog, blobs, multipart, crypto`;
  const isStore = file.layer === "control" && /-store\.ts$/.test(target);
  if (isStore && dirname(file.path) !== dirname(target) && dirname(file.path) !== "src/control") {
    return `"${edge.specifier}" is another feature's store: call the feature instead`;
  }
  return undefined;
}

/** The path from the top of the repository, or undefined when the specifier names a package. */
function resolveInTree(importer: string, specifier: string): string | undefined {
  if (specifier.startsWith("#")) return join("src", specifier.slice(1));
  if (specifier.startsWith(".")) return join(dirname(importer), specifier);
  return undefined;
}

function readImportEdges(file: SourceFile): ImportEdge[] {
  const edges: ImportEdge[] = [];
  const add = (specifier: string, offset: number, isTypeOnly: boolean) => {
    edges.push({ specifier, isTypeOnly, line: file.lineAt(offset) });
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source.value, node.start, node.importKind === "type"),
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) add(node.source.value, node.start, node.exportKind === "type");
    },
    ExportAllDeclaration: (node) => add(node.source.value, node.start, node.exportKind === "type"),
    ImportExpression: (node) => {
      if (node.source.type === "Literal") add(String(node.source.value), node.start, false);
    },
    TSImportType: (node) => add(node.source.value, node.start, true),
  }).visit(file.program);
  return edges;
}
