import type { types as mediasoup } from 'mediasoup';
import { afterEach, expect, test, vi } from 'vitest';
import { encoderFor } from '../../../../src/broadcast/jobs.ts';
import { SlotMeter } from '../../../../src/broadcast/place/SlotMeter.ts';
import { BroadcastInput } from '../../../../src/contracts/broadcast.ts';
import { SLOT_CORES } from '../../../../src/directory/placement.ts';
import { TestRoom } from '../../../support/broadcast/TestRoom.ts';

const PRODUCER = { close: () => {} } as unknown as mediasoup.Producer;
const meters: SlotMeter[] = [];
afterEach(() => {
  for (const meter of meters.splice(0)) meter.close();
  vi.useRealTimers();
});

function setUp(input: Parameters<typeof BroadcastInput.parse>[0] = {}) {
  vi.useFakeTimers();
  const room = new TestRoom({} as mediasoup.Router);
  const clock = { nowMs: 0, now: () => clock.nowMs };
  const meter = new SlotMeter({
    room,
    input: BroadcastInput.parse(input),
    encoder: () => encoderFor('libx264', 1),
    clock,
  });
  meters.push(meter);
  const changes: number[] = [];
  meter.on('changed', (slots) => changes.push(slots));
  const join = (peer: string) => {
    room.join(peer);
    room.publish(peer, 'camera', PRODUCER);
    room.publish(peer, 'microphone', PRODUCER);
  };
  /** So many seconds of a compositor that uses so much of a core. */
  let cpuSeconds = 3;
  const run = (seconds: number, cores: number, degradation: 'none' | 'lower-layers' = 'none') => {
    for (let n = 0; n < seconds; n++) {
      clock.nowMs += 1000;
      cpuSeconds += cores;
      meter.learn('caaaaaaaa', { cpuSeconds, degradation });
    }
  };
  return { room, meter, changes, join, run };
}

test('four people at 720p cost about a slot; the smallest program what its memory is worth', () => {
  const { meter, join, changes } = setUp();
  for (const peer of ['paaaaaaaa', 'pbbbbbbbb', 'pcccccccc', 'pdddddddd']) join(peer);
  vi.advanceTimersByTime(1000);
  expect(meter.slots).toBeGreaterThan(0.85);
  expect(meter.slots).toBeLessThanOrEqual(1);
  // All came at once, so it was reckoned once.
  expect(changes).toEqual([meter.slots]);
  expect(setUp({ video: { width: 160, height: 160, fps: 15, bitrate: 200_000 } }).meter.slots).toBe(0.3);
});

test('further renditions cost more from the beginning', () => {
  const { meter } = setUp({ renditions: [{ height: 480 }, { height: 360 }] });
  expect(meter.slots).toBeGreaterThan(setUp().meter.slots + 0.3);
});

test('what is measured corrects it, in steps, and a new scene counts on top at once', () => {
  const { meter, join, run, changes } = setUp();
  join('paaaaaaaa');
  vi.advanceTimersByTime(1000);
  const predicted = meter.slots;
  run(300, predicted * SLOT_CORES * 2);
  expect(meter.slots).toBeGreaterThan(predicted * 1.85);
  expect(meter.slots).toBeLessThan(predicted * 2.1);
  expect(changes.length).toBeLessThan(20);
  const corrected = meter.slots;
  for (const peer of ['pbbbbbbbb', 'pcccccccc', 'pdddddddd']) join(peer);
  vi.advanceTimersByTime(1000);
  expect(meter.slots).toBeGreaterThan(corrected);
});

test('a compositor that gives way does not look cheaper; what a process used before it was at work is not counted', () => {
  const { meter, run } = setUp();
  const predicted = meter.slots;
  run(1, 100);
  expect(meter.slots).toBe(predicted);
  run(300, predicted * SLOT_CORES * 0.5, 'lower-layers');
  expect(meter.slots).toBe(predicted);
  run(300, predicted * SLOT_CORES * 0.5);
  expect(meter.slots).toBeLessThan(predicted);
});

test('closed: nothing is told any more', () => {
  const { meter, join, run, changes } = setUp();
  meter.close();
  meter.close();
  join('paaaaaaaa');
  vi.advanceTimersByTime(1000);
  run(60, 3);
  expect(changes).toEqual([]);
});
