import { close, constants, fdatasync, fsync, link, mkdir, open, read, stat, unlink, write } from "node:fs";

/**
 * An open file. Offsets and lengths in bytes; reads and writes are at explicit positions. After `close` every call but
 * another `close` rejects, so that a late caller never touches a file that got the same descriptor.
 */
export interface DiskFile {
  /** Reads until `target` is full or the file ends. @returns bytes read */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Writes all of `source`. */
  write(source: Uint8Array, position: number): Promise<void>;
  /** Makes the file's bytes and size durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What blobs need of a file system. Passed in, so that a test can fail the n-th call. Every call rejects with Node's error. */
export interface Disk {
  /** Makes a new file, mode 0600; an existing one is an error. */
  create(path: string): Promise<DiskFile>;
  openToRead(path: string): Promise<DiskFile>;
  /** Makes a folder; an existing one is fine. @returns true when it was made */
  makeFolder(path: string): Promise<boolean>;
  /** Makes the entries of a folder durable. */
  syncFolder(path: string): Promise<void>;
  link(existing: string, made: string): Promise<void>;
  remove(path: string): Promise<void>;
  sizeOf(path: string): Promise<number>;
}

/** The real file system, through Node's thread pool: a slow disk never stops the event loop. */
export const nodeDisk: Disk = {
  create: (path) => openFile(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL),
  openToRead: (path) => openFile(path, constants.O_RDONLY),
  makeFolder: (path) =>
    new Promise((resolve, reject) => {
      mkdir(path, 0o700, (error) => {
        if (!error) resolve(true);
        else if (error.code === "EEXIST") resolve(false);
        else reject(error);
      });
    }),
  syncFolder: async (path) => {
    const handle = await openHandle(path, constants.O_RDONLY);
    try {
      await settle((done) => fsync(handle, done));
    } finally {
      await settle((done) => close(handle, done));
    }
  },
  link: (existing, made) => settle((done) => link(existing, made, done)),
  remove: (path) => settle((done) => unlink(path, done)),
  sizeOf: (path) =>
    new Promise((resolve, reject) => stat(path, (error, found) => (error ? reject(error) : resolve(found.size)))),
};

async function openFile(path: string, flags: number): Promise<DiskFile> {
  return new OpenFile(await openHandle(path, flags));
}

class OpenFile implements DiskFile {
  readonly #descriptor: number;
  #closed = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    return readFully(this.#open(), target, position);
  }

  async write(source: Uint8Array, position: number): Promise<void> {
    return writeFully(this.#open(), source, position);
  }

  async sync(): Promise<void> {
    const descriptor = this.#open();
    return settle((done) => fdatasync(descriptor, done));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    return settle((done) => close(this.#descriptor, done));
  }

  #open(): number {
    if (this.#closed) throw new Error("The file is closed");
    return this.#descriptor;
  }
}

function openHandle(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) =>
    open(path, flags, 0o600, (error, handle) => (error ? reject(error) : resolve(handle))),
  );
}

async function readFully(handle: number, target: Uint8Array, position: number): Promise<number> {
  let done = await readOnce(handle, target, position);
  while (done > 0 && done < target.length) {
    const count = await readOnce(handle, target.subarray(done), position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

function readOnce(handle: number, target: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(handle, target, 0, target.length, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

async function writeFully(handle: number, source: Uint8Array, position: number): Promise<void> {
  let done = await writeOnce(handle, source, position);
  while (done < source.length) done += await writeOnce(handle, source.subarray(done), position + done);
}

function writeOnce(handle: number, source: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(handle, source, 0, source.length, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

function settle(call: (done: (error: Error | null | undefined) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())));
}
