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
    /** Picture `n` is a key frame, and the first one after a pause. */
    resume: (n: number) => {
      applied = 0;
      return put(n, true, 0);
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

  test('after a pause the stream is aligned anew, without a shift; a network that stood still is no pause', () => {
    const { frame, keyFrame, resume, switchTo } = stream();
    for (let n = 0; n < 20; n++) frame(n);
    expect(switchTo(19).shift).toBe(EXTRA);
    for (let n = 20; n < 40; n++) frame(n);
    expect(keyFrame(80)).toBe(EXTRA);
    for (let n = 81; n < 100; n++) frame(n);
    expect(resume(160)).toBe(0);
  });

  test('a process that stands still changes nothing: pictures that come late, and all at once', () => {
    const { frame, keyFrame, switchTo } = stream();
    for (let n = 0; n < 20; n++) frame(n);
    // Each as late as if it had been sent with the next one or the one after.
    for (let n = 20; n < 24; n++) frame(n, (24 - n) * FRAME_MS);
    expect(keyFrame(24)).toBe(0);
    expect(keyFrame(25, 55)).toBe(0);
    expect(frame(26, 22)).toBe(0);
    expect(switchTo(26, 30)).toEqual({ shift: EXTRA, applied: EXTRA });
    for (let n = 27; n < 40; n++) frame(n);
    expect(keyFrame(40, 60)).toBe(EXTRA);
    for (let n = 41; n < 44; n++) frame(n, 33);
    expect(switchTo(44, 200)).toEqual({ shift: 0, applied: 0 });
  });

  test.each([0, 1, 2])('a camera of whole milliseconds, from its time %i on, and a network that trembles', (from) => {
    const shift = new LayerShift(90_000);
    const ms = (n: number) => 1_000 + Math.floor((n + from / 3) * FRAME_MS);
    const late = (n: number) => (n * 7) % 9;
    const put = (n: number, key: boolean, applied: number, lateMs = late(n)) => {
      shift.advance(ms(n) * 90 + applied, key, ms(n) + lateMs);
      return shift.ticks;
    };
    for (let n = 0; n < 40; n++) expect(put(n, n % 8 === 7, 0)).toBe(0);
    expect(put(39, true, EXTRA, 12)).toBe(EXTRA);
    for (let n = 40; n < 80; n++) expect(put(n, n % 8 === 7, EXTRA)).toBe(EXTRA);
    // The next picture of another layer needs no shift where it is 34 ms later, which one of three is.
    let n = 80;
    for (; ms(n) - ms(n - 1) === 33; n++) put(n, false, EXTRA);
    expect(put(n, true, 0)).toBe(0);
  });

  test('the packet that starts a key frame may come behind others of its frame', () => {
    const shift = new LayerShift(90_000);
    for (let n = 0; n < 10; n++) shift.advance(n * FRAME, false, n * FRAME_MS);
    shift.advance(9 * FRAME + EXTRA, false, 9 * FRAME_MS + 3);
    expect(shift.ticks).toBe(0);
    shift.startOf(9 * FRAME + EXTRA);
    expect(shift.ticks).toBe(EXTRA);
    shift.startOf(9 * FRAME + EXTRA);
    shift.startOf(8 * FRAME);
    expect(shift.ticks).toBe(EXTRA);
  });

  test('a sender report corrects what was wrong, as far as the last switch may have made it, and only once', () => {
    const { frame, switchTo, shift } = stream();
    for (let n = 0; n < 20; n++) frame(n);
    // Half a second late: whether this layer has the picture before, or the same one, cannot be seen.
    expect(switchTo(18, 500)).toEqual({ shift: EXTRA, applied: FRAME + EXTRA });
    expect(shift.correct(50 * 90)).toBe(false);
    expect(shift.correct(31 * 90)).toBe(true);
    expect(shift.ticks).toBe(FRAME + EXTRA);
    expect(shift.correct(-31 * 90)).toBe(false);
    for (let n = 19; n < 40; n++) expect(frame(n)).toBe(FRAME + EXTRA);
    expect(switchTo(42).shift).toBe(0);
    shift.confirm();
    expect(shift.correct(33 * 90)).toBe(false);
  });
});
