import { expect, test } from "bun:test";
import { readDiskState, requireRoom } from "./disk-state.ts";
import { slotLayout } from "./operation-index.ts";
import { createSlot } from "./slot-layout.ts";
import { SlotRecorder } from "./slot-recorder.ts";

function open() {
  const threads = ["0", "1", "writer"].map((worker) => ({
    worker,
    up: true,
    restartCount: 0,
    slot: createSlot(slotLayout),
  }));
  return { threads, source: { threads: () => threads }, recorder: (at: number) => recorderOf(threads[at]?.slot) };
}

function recorderOf(slot: SharedArrayBuffer | undefined): SlotRecorder {
  return new SlotRecorder(slot ?? createSlot(slotLayout), slotLayout);
}

const state = { totalBytes: 1000, freeBytes: 300, reserveBytes: 100, refusesWrites: false };

test("readDiskState: nothing before the first look, then what the workers saw", () => {
  const { source, recorder } = open();
  expect(readDiskState(source)).toBeUndefined();
  requireRoom(source);
  recorder(0).setDisk(state);
  expect(readDiskState(source)).toEqual(state);
  requireRoom(source);
});

test("readDiskState: writes are refused when any worker refuses that is up", () => {
  const { source, recorder, threads } = open();
  recorder(0).setDisk({ ...state, refusesWrites: true });
  recorder(1).setDisk(state);
  expect(readDiskState(source)?.refusesWrites).toBe(true);
  expect(() => requireRoom(source)).toThrow("300 bytes are free, the reserve is 100");
  if (threads[0]) threads[0].up = false;
  requireRoom(source);
});
