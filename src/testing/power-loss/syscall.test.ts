import { expect, test } from "bun:test";
import { numberArgument, parseSyscallLog } from "./syscall.ts";

function parse(...lines: readonly string[]) {
  return parseSyscallLog(Buffer.from(`${lines.join("\n")}\n`));
}

test("parseSyscallLog: reads name, strings, numbers and result", () => {
  const [call] = parse('12 pwrite64(7<\\x2f\\x61>, "\\x68\\x69\\x00", 3, 4096) = 3');
  expect(call).toEqual({
    name: "pwrite64",
    shape: "7, $, 3, 4096",
    strings: [Buffer.from("hi\0")],
    isCut: false,
    begin: 1,
    end: 1,
    result: 3,
  });
  expect(call && numberArgument(call, 3)).toBe(4096);
});

test("parseSyscallLog: joins a call that others interrupted, in the order of entry", () => {
  const calls = parse(
    "1 fsync(5 <unfinished ...>",
    '22 write(6, "\\x61", 1) = 1',
    "1 <... fsync resumed>)            = 0",
    "1 close(5)                        = 0",
  );
  expect(calls.map(({ name, begin, end, result }) => [name, begin, end, result])).toEqual([
    ["fsync", 1, 3, 0],
    ["write", 2, 2, 1],
    ["close", 4, 4, 0],
  ]);
});

test("parseSyscallLog: an error is -1, a call without return has no result", () => {
  const calls = parse(
    '1 mkdir("\\x2f", 0700) = -1 EEXIST (File exists)',
    "2 fsync(3) = ?",
    "3 fdatasync(4 <unfinished ...>",
    "1 +++ killed by SIGKILL +++",
    "1 --- SIGCHLD {si_signo=SIGCHLD} ---",
  );
  expect(calls.map(({ name, result }) => [name, result])).toEqual([
    ["mkdir", -1],
    ["fsync", Number.NaN],
    ["fdatasync", Number.NaN],
  ]);
  expect(calls[1]?.end).toBe(Number.POSITIVE_INFINITY);
});

test("parseSyscallLog: notices a string that strace cut off", () => {
  expect(parse('1 write(3, "\\x61"..., 100) = 100')[0]?.isCut).toBe(true);
});

test("parseSyscallLog: reads vectors and addresses", () => {
  const [vector, map] = parse(
    '1 pwritev(3, [{iov_base="\\x61", iov_len=1}, {iov_base="\\x62\\x63", iov_len=2}], 2, 100) = 3',
    "1 mmap(NULL, 32768, PROT_READ|PROT_WRITE, MAP_SHARED, 9<\\x2f>, 0) = 0x7f00aa",
  );
  expect(Buffer.concat(vector?.strings ?? []).toString()).toBe("abc");
  expect(map?.shape).toBe("NULL, 32768, PROT_READ|PROT_WRITE, MAP_SHARED, 9, 0");
});
