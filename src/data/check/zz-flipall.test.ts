import { Database } from "bun:sqlite";
import { test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { nodeDisk } from "#data/blobs/disk.ts";
import { catalogPath } from "#data/catalog/sqlite-catalog/open-catalog.ts";
import { checkDataFolder } from "#data/check/check-data-folder.ts";
import { randomBytes } from "#kernel/base/random.ts";
import { ScratchBucket } from "#testing/scratch-bucket.ts";

test("x", async () => {
  const s = new ScratchBucket();
  s.putInline("empty", new Uint8Array());
  s.putInline("small", Buffer.from("a"));
  s.putInline("small", Buffer.from("b"));
  s.putInline("gone", Buffer.from("gone"));
  s.delete("gone");
  s.writer.setVersioning(1);
  await s.putBlob("blob", randomBytes(100));
  await s.putBlob("blob", randomBytes(10));
  s.delete("blob");
  const u = s.createUpload("parts", "upload-1");
  await u.putPart(3, new Uint8Array(4));
  await u.putPart(7, new Uint8Array(4));
  await u.putPart(9, new Uint8Array(4));
  u.complete([3, 7]);
  await s.createUpload("parts", "upload-2").putPart(1, randomBytes(10));
  s.commits.close();
  const path = catalogPath(s.dataDir, "bucket");
  const orig = readFileSync(path);
  const dump = () => {
    try {
      const d = new Database(path, { readonly: true });
      try {
        const o: Record<string, unknown[]> = {};
        for (const t of ["bucket_state", "version", "closed_version", "detail", "extent", "part", "log", "upload"])
          o[t] = d
            .query(
              t === "closed_version"
                ? "SELECT key, hlc, flags & ~1, size_bytes, etag, version_id, detail_id, from_seq, attributes, crc, until_seq, until_hlc FROM closed_version"
                : `SELECT * FROM ${t}`,
            )
            .values()
            .map((r) => JSON.stringify(r, (_, v) => (v instanceof Uint8Array ? Buffer.from(v).toString("hex") : v)));
        return o;
      } finally {
        d.close();
      }
    } catch (e) {
      return { err: [String(e)] };
    }
  };
  const whole = dump();
  let n = 0,
    found = 0;
  const seen = new Set<string>();
  const t0 = performance.now();
  for (let byte = 0; byte < orig.length && performance.now() - t0 < 500_000; byte++) {
    const page = byte >> 12;
    if (orig[byte] === 0 && Math.random() > 0.03) continue;
    const b = Buffer.from(orig);
    const bitn = Math.floor(Math.random() * 8);
    b[byte] ^= 1 << bitn;
    writeFileSync(path, b);
    n++;
    const { problems } = await checkDataFolder({
      dataDir: s.dataDir,
      keys: s.keys,
      disk: nodeDisk,
      clock: s.clock,
      report: () => {},
    });
    if (problems > 0) {
      found++;
      continue;
    }
    const d = dump();
    if (JSON.stringify(d) !== JSON.stringify(whole)) {
      for (const t of Object.keys(d)) {
        const a = (whole as any)[t] ?? [],
          c = (d as any)[t];
        if (JSON.stringify(a) !== JSON.stringify(c))
          console.log(
            "byte",
            byte,
            "page",
            page,
            "bit",
            bitn,
            t,
            "\n -",
            a.filter((x: string) => !c.includes(x)),
            "\n +",
            c.filter((x: string) => !a.includes(x)),
          );
      }
    }
  }
  console.log(n, found, orig.length);
  s.remove();
}, 590_000);
