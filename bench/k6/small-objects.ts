/** Loads of objects that fit one request. Runs in k6. */
import exec from "k6/execution";
import { contentOf } from "./content.ts";
import { copySource, expectBody, expectTrue, send, textOf } from "./s3.ts";

/** Keys that a load finds stored, all of one prefix. */
export interface StoredKeys {
  readonly prefix: string;
  /** Size in bytes of each, by its number. */
  readonly sizes: readonly number[];
}

const kib = 1024;
const mib = 1024 * kib;
/** Sizes of uploads with their weights in percent. */
const uploadSizes: readonly (readonly [number, number])[] = [
  [kib, 50],
  [10 * kib, 30],
  [100 * kib, 15],
  [mib, 4],
  [5 * mib, 1],
];
/** The eleven objects of the download scenario. */
const downloadSizes: readonly number[] = [
  512,
  ...[1, 4, 8, 16, 64, 128, 256, 512, 1024, 5 * 1024].map((size) => size * kib),
];
const variants = 8;

/** What `download` reads. */
export const downloadKeys: StoredKeys = { prefix: "download", sizes: downloadSizes };

/** What the other loads read: 32 objects of 1 to 100 KiB. */
export const smallKeys: StoredKeys = {
  prefix: "stored",
  sizes: Array.from({ length: 32 }, (_, number) => [1, 4, 10, 100].map((size) => size * kib)[number % 4] ?? kib),
};

/** One upload of a size drawn by weight; every tenth is read back. */
export function upload(): void {
  const size = drawSize();
  const key = `upload/${exec.vu.idInTest}-${exec.vu.iterationInScenario}`;
  put(key, size, exec.vu.iterationInScenario % variants);
  if (exec.vu.iterationInScenario % 10 === 0) get(key, size, exec.vu.iterationInScenario % variants);
}

/** One download of a stored object. */
export function download(): void {
  getStored(downloadKeys, Math.floor(Math.random() * downloadKeys.sizes.length));
}

/** 50 % get, 30 % put, 15 % list, 5 % delete. */
export function mixed(): void {
  const draw = Math.random() * 100;
  if (draw < 50) getStored(smallKeys, Math.floor(Math.random() * smallKeys.sizes.length));
  else if (draw < 80) put(ownKey("mixed"), 4 * kib, exec.vu.iterationInScenario % variants);
  else if (draw < 95) listStored(smallKeys);
  else removeOwn();
}

/** A write that is read back, replaced, read again, copied, and read no more once it is deleted; the copy still is. */
export function verify(): void {
  const key = ownKey("verify");
  for (const variant of [0, 1]) {
    put(key, 10 * kib, variant);
    get(key, 10 * kib, variant);
    const head = send({ operation: "HeadObject", method: "HEAD", key });
    expectTrue(head.headers["Content-Length"] === String(10 * kib), `length of ${key}`);
  }
  const copy = `${key}-copy`;
  const headers = { "x-amz-copy-source": copySource(key) };
  send({ operation: "CopyObject", method: "PUT", key: copy, headers });
  send({ operation: "DeleteObject", method: "DELETE", key, expected: [204] });
  send({ operation: "GetObject", method: "GET", key, expected: [404] });
  get(copy, 10 * kib, 1);
}

/** Stores these keys. */
export function store(keys: StoredKeys): void {
  keys.sizes.forEach((size, number) => {
    put(`${keys.prefix}/${number}`, size, number % variants);
  });
}

/** Reads every stored object once. */
export function readAll(stored: StoredKeys): void {
  for (let number = 0; number < stored.sizes.length; number += 1) getStored(stored, number);
}

/** Key of this virtual user's present iteration. */
function ownKey(prefix: string): string {
  return `${prefix}/${exec.vu.idInTest}-${exec.vu.iterationInScenario % 100}`;
}

function removeOwn(): void {
  const key = ownKey("removed");
  put(key, kib, 0);
  send({ operation: "DeleteObject", method: "DELETE", key, expected: [204] });
}

function listStored(stored: StoredKeys): void {
  const query = { "list-type": "2", prefix: `${stored.prefix}/`, "max-keys": "100" };
  const xml = textOf(send({ operation: "ListObjectsV2", method: "GET", key: "", query, isText: true }));
  expectTrue(xml.split("<Key>").length - 1 === stored.sizes.length, `list of ${stored.prefix}/`);
}

function getStored(stored: StoredKeys, number: number): void {
  get(`${stored.prefix}/${number}`, stored.sizes[number] ?? 0, number % variants);
}

function put(key: string, size: number, variant: number): void {
  send({ operation: "PutObject", method: "PUT", key, body: contentOf(size, variant) });
}

function get(key: string, size: number, variant: number): void {
  expectBody(send({ operation: "GetObject", method: "GET", key }), contentOf(size, variant).sha256);
}

function drawSize(): number {
  let draw = Math.random() * 100;
  for (const [size, weight] of uploadSizes) {
    draw -= weight;
    if (draw < 0) return size;
  }
  return kib;
}
