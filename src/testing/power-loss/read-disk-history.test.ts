import { expect, test } from "bun:test";
import type { DiskHistory, DiskStep } from "./disk-step.ts";
import { readDiskHistory } from "./read-disk-history.ts";
import { parseSyscallLog } from "./syscall.ts";

/** Reads log lines in which "text" stands for the same in strace's hex form. */
function read(...lines: readonly string[]): DiskHistory {
  const hex = (_: string, text: string) => `"${Buffer.from(text).toString("hex").replace(/../g, "\\x$&")}"`;
  const log = lines.map((line) => `1 ${line.replace(/"([^"]*)"/g, hex)}`).join("\n");
  return readDiskHistory(parseSyscallLog(Buffer.from(log)), "/base");
}

/** One line per step: what happened to which path. */
function describe({ steps, inodes }: DiskHistory): string[] {
  return steps.map((step) => describeStep(step, (inode) => inodes.get(inode)?.path ?? ""));
}

function describeStep(step: DiskStep, pathOf: (inode: number) => string): string {
  switch (step.kind) {
    case "change": {
      const { change } = step;
      const what = change.kind === "write" ? `${change.offsetBytes} ${Buffer.from(change.data)}` : change.sizeBytes;
      return `${change.kind} ${pathOf(step.inode)} ${what}`;
    }
    case "entry":
      return step.names
        .map(({ name, target }) => `${target === undefined ? "-" : "+"}${pathOf(step.folder)}/${name}`)
        .join(" ");
    case "sync":
      return `sync ${pathOf(step.inode)}`;
    case "answer":
      return `answer ${step.status} ${step.requestId}`;
  }
}

test("readDiskHistory: follows a file from its folder to its sync", () => {
  const history = read(
    'mkdir("/base/data", 0700) = 0',
    'openat(AT_FDCWD, "/base/data/a", O_RDWR|O_CREAT, 0600) = 5',
    'pwrite64(5, "hello", 5, 100) = 5',
    "ftruncate(5, 200) = 0",
    "fdatasync(5) = 0",
    "close(5) = 0",
    'openat(AT_FDCWD, "/base/data", O_RDONLY) = 5',
    "fsync(5) = 0",
  );
  expect(describe(history)).toEqual([
    "+/data",
    "+data/a",
    "write data/a 100 hello",
    "resize data/a 200",
    "sync data/a",
    "sync data",
  ]);
});

test("readDiskHistory: files elsewhere, failed calls and sockets are left out", () => {
  const history = read(
    'openat(AT_FDCWD, "/tmp/x", O_RDWR|O_CREAT, 0600) = 5',
    'write(5, "a", 1) = 1',
    "fsync(5) = 0",
    'openat(AT_FDCWD, "/base/missing", O_RDONLY) = -1 ENOENT (No such file or directory)',
    'mkdir("/base/x/y", 0700) = -1 ENOENT (No such file or directory)',
    'sendto(9, "something", 9, 0, NULL, 0) = 9',
  );
  expect(describe(history)).toEqual([]);
});

test("readDiskHistory: writes without offset follow one another, also through a copied descriptor", () => {
  const history = read(
    'openat(AT_FDCWD, "/base/a", O_WRONLY|O_CREAT|O_TRUNC, 0600) = 5',
    'write(5, "abc", 3) = 2',
    "fcntl(5, F_DUPFD_CLOEXEC, 0) = 6",
    'writev(6, [{iov_base="d", iov_len=1}, {iov_base="ef", iov_len=2}], 2) = 3',
    "lseek(5, 1, SEEK_SET) = 1",
    'write(6, "g", 1) = 1',
    'pwritev(6, [{iov_base="h", iov_len=1}], 1, 50) = 1',
  );
  expect(describe(history).slice(1)).toEqual(["write a 0 ab", "write a 2 def", "write a 1 g", "write a 50 h"]);
});

test("readDiskHistory: a name that was removed and made again is another file", () => {
  const history = read(
    'openat(AT_FDCWD, "/base/a", O_RDWR|O_CREAT, 0600) = 5',
    'unlink("/base/a") = 0',
    'openat(AT_FDCWD, "/base/a", O_RDWR|O_CREAT, 0600) = 6',
    'pwrite64(5, "old", 3, 0) = 3',
    'pwrite64(6, "new", 3, 0) = 3',
  );
  const inodes = history.steps.flatMap((step) => (step.kind === "change" ? [step.inode] : []));
  expect(new Set(inodes).size).toBe(2);
});

test("readDiskHistory: links, renames and removals below an open folder", () => {
  const history = read(
    'mkdir("/base/d", 0700) = 0',
    'openat(AT_FDCWD, "/base/d/a", O_RDWR|O_CREAT, 0600) = 5',
    'openat(AT_FDCWD, "/base/d", O_RDONLY|O_DIRECTORY) = 6',
    'linkat(AT_FDCWD, "/base/d/a", AT_FDCWD, "/base/b", 0) = 0',
    'renameat2(6, "a", 6, "c", RENAME_NOREPLACE) = 0',
    'unlinkat(6, "c", 0) = 0',
    'rmdir("/base/d") = 0',
  );
  expect(describe(history).slice(2)).toEqual(["+/b", "+d/c -d/a", "-d/c", "-/d"]);
});

test("readDiskHistory: an answer counts from its last send on", () => {
  const { steps } = read(
    'sendto(7, "HTTP/1.1 200 OK\r\nx-amz-request-id: A1\r\n\r\n<x", 50, 0, NULL, 0) = 50',
    'sendto(8, "HTTP/1.1 404 Not Found\r\nX-Amz-Request-Id: B2\r\n\r\n", 50, 0, NULL, 0) = 50',
    'sendto(7, "ml/>", 4, 0, NULL, 0) = 4',
    'writev(7, [{iov_base="HTTP/1.1 204 No Content\r\nx-amz-request-id: C3\r\n\r\n", iov_len=9}], 1) = 9',
  );
  expect(steps).toEqual([
    { kind: "answer", at: 2, status: 404, requestId: "B2" },
    { kind: "answer", at: 3, status: 200, requestId: "A1" },
    { kind: "answer", at: 4, status: 204, requestId: "C3" },
  ]);
});

test("readDiskHistory: refuses what the log does not show", () => {
  const open = 'openat(AT_FDCWD, "/base/a", O_RDWR|O_CREAT, 0600) = 5';
  expect(() => read(open, "mmap(NULL, 9, PROT_READ|PROT_WRITE, MAP_SHARED, 5, 0) = 0x7f00")).toThrow("mmap");
  expect(() => read(open, "copy_file_range(4, NULL, 5, NULL, 9, 0) = 9")).toThrow("copy_file_range");
  expect(() => read(open, 'pwrite64(5, "a"..., 100, 0) = 100')).toThrow("pwrite64");
  read(open, "mmap(NULL, 9, PROT_READ, MAP_SHARED, 5, 0) = 0x7f00");
});
