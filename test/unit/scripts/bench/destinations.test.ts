/** The pure parts of `npm run bench -- destinations`. */
import { describe, expect, test } from 'vitest';
import {
  holesOf,
  judgeLoss,
  judgePublishes,
  slopePerMinute,
  worst,
} from '../../../../scripts/bench/destinations/judge.ts';
import type { Seen } from '../../../../scripts/bench/destinations/StatusLog.ts';
import type { DestinationStatus } from '../../../../src/contracts/deliveryControl.ts';

const seen = (atMs: number, state: DestinationStatus['state'], waitMs: number | null = null): Seen => ({
  ...{ atMs, waitMs },
  status: {
    ...{
      id: 'd00000001',
      name: 'cdn',
      target: 'rtmp://h/live',
      state,
      since: 0,
      connects: 1,
      bytes: 0,
      droppedGops: 0,
    },
    ...(state === 'reconnecting' ? { cause: 'closed', reason: 'gone' } : { cause: null, reason: '' }),
    retryAt: null,
  },
});

describe('judgeLoss', () => {
  const told = seen(1500, 'reconnecting', 200);
  const live = seen(9000, 'live');
  const history = [seen(0, 'live'), told, seen(2000, 'reconnecting', 4000), live, seen(20_000, 'reconnecting', 9000)];

  test('from the fault to the state, and from the server to the stream, by the step that was the last before', () => {
    expect(judgeLoss(history, { faultMs: 1000, wellMs: 4500, told, live })).toEqual({
      ...{ state_s: 0.5, cause: 'closed', reason: 'gone', back_s: 4.5, step_s: 4, over_step_s: 0.5 },
    });
  });

  test('a server that was well in the middle of the wait: the stream was back before a whole step was over', () => {
    expect(judgeLoss(history, { faultMs: 1000, wellMs: 6000, told, live }).over_step_s).toBe(-1);
  });

  test('what never came about is null, and so is the worst of it', () => {
    const loss = judgeLoss(history, { faultMs: 1000, wellMs: 4500, told: null, live: null });
    expect(loss).toMatchObject({ state_s: null, cause: null, back_s: null, over_step_s: null });
    expect(worst([1, 3, 2])).toBe(3);
    expect(worst([1, loss.back_s])).toBeNull();
    expect(worst([])).toBeNull();
  });
});

describe('judgePublishes', () => {
  const frames = (...times: number[]) => times.map((timestampMs) => ({ timestampMs, key: timestampMs % 2000 === 0 }));

  test('connections that begin with a key frame, the GOP that was on its way again', () => {
    const all = [frames(0, 33, 67, 100), [], frames(0, 33, 67), frames(2000, 2033)];
    expect(judgePublishes(all, 1000 / 30)).toEqual({ count: 3, without_key: 0, back_in_time: 0, broken: 0 });
  });

  test('whole GOPs may be missing, a part of one may not', () => {
    expect(judgePublishes([frames(0, 33, 67, 6000, 6033)], 1000 / 30).broken).toBe(0);
    expect(judgePublishes([frames(0, 33, 100)], 1000 / 30).broken).toBe(1);
  });

  test('one without a key frame, and one that is older than what was sent', () => {
    expect(judgePublishes([frames(33, 67)], 1000 / 30).without_key).toBe(1);
    expect(judgePublishes([frames(2000, 2033), frames(0, 33)], 1000 / 30).back_in_time).toBe(1);
  });
});

test('holesOf: steps in whole milliseconds, a frame that is missing, a drift', () => {
  const times = Array.from({ length: 90 }, (_, i) => Math.round((i * 1000) / 30) / 1000);
  expect(holesOf(times, 1 / 30)).toBe(0);
  expect(holesOf(times.toSpliced(40, 1), 1 / 30)).toBe(1);
  expect(
    holesOf(
      times.map((time, i) => time + i / 10_000),
      1 / 30,
    ),
  ).toBe(1);
  expect(holesOf([], 1 / 30)).toBe(0);
});

test('slopePerMinute: of a line, of a saw, of nothing', () => {
  const every = (mb: (second: number) => number) => Array.from({ length: 60 }, (_, s) => ({ seconds: s, mb: mb(s) }));
  expect(slopePerMinute(every((s) => 200 + s / 6))).toBeCloseTo(10);
  expect(Math.abs(slopePerMinute(every((s) => 200 + (s % 6))))).toBeLessThan(1);
  expect(slopePerMinute([])).toBe(0);
  expect(slopePerMinute([{ seconds: 1, mb: 5 }])).toBe(0);
});
