import { describe, expect, test } from 'vitest';
import { LayerShift } from '../../../../compositor/ingest/LayerShift.ts';

const FRAME = 3_000;
const FRAME_MS = 100 / 3;
const EXTRA = 2_970;

/** A stream as mediasoup sends it, of a sender with true capture times `n × FRAME`. */
function stream(start = 0xffff_f000) {
  const shift = new LayerShift(90_000);
  let sent = 0;
  let applied = 0;
  const put = (n: number, key: boolean, lateMs: number): number => {
    const timestamp = (start + n * FRAME + applied) >>> 0;
    shift.advance(timestamp, key, n * FRAME_MS + lateMs);
    sent = n * FRAME + applied;
    return shift.ticks;
  };
  return {
    shift,
    frame: (n: number, lateMs = 0) => put(n, false, lateMs),
    keyFrame: (n: number, lateMs = 0) => put(n, true, lateMs),
    /** The key frame `n` of another layer, labelled as SimulcastProducerStreamManager.cpp does. */
    switchTo: (n: number, lateMs = 0) => {
      const own = n * FRAME;
      applied = own <= sent ? sent + EXTRA - own : 0;
      return { shift: put(n, true, lateMs), applied };
    },
  };
}

describe('LayerShift', () => {
  test('a key frame of the picture that was sent already is told from the next picture', () => {
    const up = stream();
    for (let n = 0; n < 10; n++) up.frame(n, n % 3);
    expect(up.switchTo(9, 4)).toEqual({ shift: EXTRA, applied: EXTRA });
    for (let n = 10; n < 20; n++) expect(up.frame(n, n % 3)).toBe(EXTRA);
  });

  test('a key frame of the next picture that needed no shift ends the shift', () => {
    const { frame, switchTo } = stream();
    for (let n = 0; n < 10; n++) frame(n);
    expect(switchTo(10)).toEqual({ shift: 0, applied: 0 });
    for (let n = 11; n < 20; n++) frame(n);
    expect(switchTo(19, 3).shift).toBe(EXTRA);
    for (let n = 20; n < 30; n++) frame(n);
    // Its label would be 30 ticks after the last one.
    expect(switchTo(30)).toEqual({ shift: 0, applied: 0 });
  });

  test('switches one after the other, up and down', () => {
    const { frame, switchTo } = stream();
    for (let n = 0; n < 5; n++) frame(n);
    let at = 4;
    for (let i = 0; i < 12; i++) {
      const { shift, applied } = switchTo(at, 2);
      if (applied > 75 * 90) return;
      expect(Math.abs(shift - applied)).toBeLessThanOrEqual(1);
      for (let n = at + 1; n < at + 8; n++) frame(n);
      at += i % 2 === 0 ? 8 : 7;
    }
  });

  test('an ordinary key frame changes nothing, with or without a shift, on a network that trembles by 5 ms', () => {
    const { frame, keyFrame, switchTo } = stream();
    for (let n = 0; n < 60; n++) {
      const lateMs = (n * 7) % 6;
      if (n === 30) expect(switchTo(29, 7).shift).toBe(EXTRA);
      const ticks = n % 5 === 4 ? keyFrame(n, lateMs) : frame(n, lateMs);
      expect(ticks).toBe(n < 30 ? 0 : EXTRA);
    }
  });

  test('a camera whose labels happen to be 33 ms apart is not shifted', () => {
    const shift = new LayerShift(90_000);
    for (let n = 0; n < 60; n++) {
      shift.advance(n * EXTRA, n % 10 === 0, n * 33);
      expect(shift.ticks).toBe(0);
    }
  });

  test('after a pause nothing is concluded', () => {
    const { frame, keyFrame } = stream();
    for (let n = 0; n < 5; n++) frame(n);
    expect(keyFrame(200)).toBe(0);
  });
});
