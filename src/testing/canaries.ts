import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Shorter texts stand somewhere by chance. */
const minSecretBytes = 8;

/** Secrets that must not be found where they do not belong, each in every form that a slip would give it. */
export class Canaries {
  readonly #needles = new Map<string, readonly Buffer[]>();

  /** @param secret a text, or bytes. @throws Error when it is too short to be told from chance */
  plant(name: string, secret: string | Uint8Array): void {
    const bytes = Buffer.from(secret);
    if (bytes.length < minSecretBytes) throw new Error(`The canary ${name} has ${bytes.length} bytes`);
    const hex = bytes.toString("hex");
    const spelled = hex.replace(/..(?!$)/g, "$& ");
    const forms = [
      bytes,
      Buffer.from(spelled),
      Buffer.from(hex),
      Buffer.from(hex.toUpperCase()),
      ...renderBase64(bytes),
    ];
    if (typeof secret === "string") {
      forms.push(Buffer.from(encodeURIComponent(secret)), Buffer.from(JSON.stringify(secret).slice(1, -1)));
    }
    this.#needles.set(name, forms);
  }

  /** How many there are. */
  get count(): number {
    return this.#needles.size;
  }

  /** Names of those that stand in it. @param except names of those that may */
  findIn(content: string | Uint8Array, except: readonly string[] = []): readonly string[] {
    const bytes = Buffer.from(content);
    const found = [...this.#needles].filter(([, forms]) => forms.some((form) => bytes.includes(form)));
    return found.map(([name]) => name).filter((name) => !except.includes(name));
  }

  /** Those that stand in a file of a folder, with the file. */
  findInFolder(folder: string, { except = [], maxBytes = Number.POSITIVE_INFINITY }: FilesToLookAt = {}): string[] {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return files.flatMap(({ parentPath, name }) => {
      const path = join(parentPath, name);
      if (except.includes(name) || statSync(path).size > maxBytes) return [];
      return this.findIn(readFileSync(path)).map((secret) => `${secret} in ${name}`);
    });
  }
}

/** Which files of a folder are looked at. */
interface FilesToLookAt {
  /** Names of those that may hold secrets. */
  readonly except?: readonly string[];
  /** Longer ones are passed over. */
  readonly maxBytes?: number;
}

/** Base64 in both alphabets, as it looks alone and in the middle of something longer, at each of three places. */
function renderBase64(bytes: Buffer): Buffer[] {
  return [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes]);
    // The characters at both ends depend on the neighbours.
    const whole = padded.subarray(0, padded.length - (padded.length % 3));
    return (["base64", "base64url"] as const).map((alphabet) =>
      Buffer.from(whole.toString(alphabet).slice(before === 0 ? 0 : 4)),
    );
  });
}
