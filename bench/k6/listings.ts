/** Listings of deep folders. Runs in k6. */
import { contentOf } from "./content.ts";
import { elementText, expectTrue, send, textOf } from "./s3.ts";

/** Keys of the deep listing, `MAXIOFS_K6_DEEP_KEYS`; ten in a folder, a hundred folders in one above, four levels. */
const keyCount = Number(__ENV["MAXIOFS_K6_DEEP_KEYS"] ?? "5000");
const keysPerFolder = 10;
const foldersPerParent = 10;
const pageKeys = 500;

/** Stores the keys. */
export function storeDeep(): void {
  for (let number = 0; number < keyCount; number += 1) {
    send({ operation: "PutObject", method: "PUT", key: `deep/${nameOf(number)}`, body: contentOf(16) });
  }
}

/** All pages of the flat list, compared name by name, then one folder's names and its parent's folders. */
export function deepListing(): void {
  let token = "";
  let seen = 0;
  do {
    const xml = list({ prefix: "deep/", ...(token && { "continuation-token": token }) });
    for (const key of keysOf(xml)) {
      expectTrue(key === `deep/${nameOf(seen)}`, `name ${seen} of the deep list: ${key}`);
      seen += 1;
    }
    token = elementText(xml, "NextContinuationToken");
  } while (token !== "");
  expectTrue(seen === keyCount, `number of names, ${seen}`);
  const number = Math.floor(Math.random() * keyCount);
  const folder = folderOf(number);
  const first = number - (number % keysPerFolder);
  const wanted = Math.min(keysPerFolder, keyCount - first);
  const names = Array.from({ length: wanted }, (_, index) => `deep/${nameOf(first + index)}`);
  expectTrue(keysOf(list({ prefix: `deep/${folder}/`, delimiter: "/" })).join() === names.join(), `list of ${folder}`);
  const parent = folder.slice(0, folder.lastIndexOf("/"));
  const keysPerParent = keysPerFolder * foldersPerParent;
  const firstOfParent = number - (number % keysPerParent);
  const folders = Math.ceil(Math.min(keysPerParent, keyCount - firstOfParent) / keysPerFolder);
  const prefixes = list({ prefix: `deep/${parent}/`, delimiter: "/" }).split("<CommonPrefixes>").length - 1;
  expectTrue(prefixes === folders, `folders of ${parent}`);
}

function list(query: Readonly<Record<string, string>>): string {
  const all = { "list-type": "2", "max-keys": String(pageKeys), ...query };
  return textOf(send({ operation: "ListObjectsV2", method: "GET", key: "", query: all, isText: true }));
}

function keysOf(xml: string): string[] {
  return Array.from(xml.matchAll(/<Key>([^<]*)<\/Key>/g), (match) => match[1] ?? "");
}

/** Names sort as their numbers do. */
function nameOf(number: number): string {
  return `${folderOf(number)}/key-${String(number).padStart(8, "0")}`;
}

function folderOf(number: number): string {
  const folder = Math.floor(number / keysPerFolder);
  const parent = Math.floor(folder / foldersPerParent);
  const top = Math.floor(parent / foldersPerParent);
  return [top, parent, folder].map((part) => `d${String(part).padStart(6, "0")}`).join("/");
}
