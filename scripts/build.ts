import { mkdir, rename, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import packageJson from "../package.json";

const targets = ["bun-linux-x64", "bun-linux-arm64", "bun-darwin-x64", "bun-darwin-arm64"] as const;

type Target = (typeof targets)[number];

const usage = `Usage: bun scripts/build.ts [--target TARGET] [--outfile FILE]
  --target   ${targets.join(", ")}; default: this machine
  --outfile  default: dist/maxiofs, or dist/maxiofs-OS-CPU with --target`;

const top = join(import.meta.dir, "..");

/**
 * The first is the program. The others are threads, which the bundler does not find by itself: `src/main.ts` starts
 * them by `new URL("./data/worker.ts", import.meta.url)`, which fits both the source tree and the binary (see README.md).
 */
const entrypoints = ["src/main.ts", "src/data/worker.ts", "src/data/writer/writer.ts"];

/** Builds beside `outfile` and then renames, so that a running or half-built binary is never seen. */
async function build(target: Target | undefined, outfile: string): Promise<void> {
  const folder = `${outfile}.build`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    await Bun.build(describeBuild(target, join(folder, basename(outfile))));
    await rename(join(folder, basename(outfile)), outfile);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function describeBuild(target: Target | undefined, outfile: string): Bun.BuildConfig {
  return {
    entrypoints: entrypoints.map((path) => join(top, path)),
    root: join(top, "src"),
    compile: {
      ...(target === undefined ? {} : { target }),
      outfile,
      autoloadBunfig: false,
      autoloadDotenv: false,
      autoloadPackageJson: false,
      autoloadTsconfig: false,
    },
    minify: { whitespace: true, syntax: true, identifiers: false },
    sourcemap: "linked",
    define: { MAXIOFS_VERSION: JSON.stringify(packageJson.version) },
  };
}

function parseTarget(text: string | undefined): Target | undefined {
  if (text === undefined) return undefined;
  const target = targets.find((known) => known === text || known === `bun-${text}`);
  if (target === undefined) throw new Error(`--target is "${text}", wanted one of ${targets.join(", ")}`);
  return target;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { target: { type: "string" }, outfile: { type: "string" }, help: { type: "boolean" } },
  });
  if (values.help) return console.log(usage);
  const target = parseTarget(values.target);
  const name = target === undefined ? "maxiofs" : target.replace("bun-", "maxiofs-");
  const outfile = values.outfile === undefined ? join(top, "dist", name) : resolve(values.outfile);
  await build(target, outfile);
  console.log(`${outfile}: ${(Bun.file(outfile).size / 2 ** 20).toFixed(0)} MiB, version ${packageJson.version}`);
}

try {
  await main();
} catch (failure) {
  const isBuildFailure = failure instanceof AggregateError;
  console.error(isBuildFailure ? failure.errors.map(String).join("\n") : `${failure}\n${usage}`);
  process.exitCode = 1;
}
