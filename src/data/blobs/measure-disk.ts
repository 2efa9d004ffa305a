import type { Clock } from "#kernel/base/clock.ts";
import type { StorageOperation } from "#kernel/metrics/slot-layout.ts";
import type { SlotRecorder } from "#kernel/metrics/slot-recorder.ts";
import type { Disk, DiskFile } from "./disk.ts";

/** Where the calls are counted. */
export interface DiskMeasure {
  readonly recorder: SlotRecorder;
  readonly clock: Clock;
}

/** The same disk; each read, write, sync and removal is counted with its time. */
export function measureDisk(disk: Disk, { recorder, clock }: DiskMeasure): Disk {
  const measure = async <T>(operation: StorageOperation, call: Promise<T>): Promise<T> => {
    const startedMs = clock.monotonicMs();
    let ok = false;
    try {
      const result = await call;
      ok = true;
      return result;
    } finally {
      recorder.recordStorage(operation, (clock.monotonicMs() - startedMs) * 1000, ok);
    }
  };
  const wrap = (file: DiskFile): DiskFile => ({
    read: (target, position) => measure("read", file.read(target, position)),
    write: (source, position) => measure("write", file.write(source, position)),
    sync: () => measure("fsync", file.sync()),
    close: () => file.close(),
  });
  return {
    create: async (path) => wrap(await disk.create(path)),
    openToRead: async (path) => wrap(await disk.openToRead(path)),
    makeFolder: (path) => disk.makeFolder(path),
    syncFolder: (path) => measure("fsync", disk.syncFolder(path)),
    link: (existing, made) => disk.link(existing, made),
    remove: (path) => measure("delete", disk.remove(path)),
    sizeOf: (path) => disk.sizeOf(path),
  };
}
