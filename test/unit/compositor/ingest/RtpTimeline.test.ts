import { describe, expect, test } from 'vitest';
import { RtpTimeline } from '../../../../compositor/ingest/RtpTimeline.ts';
import type { SenderReport } from '../../../../compositor/ingest/rtcp.ts';
import { SfuClock } from '../../../../compositor/ingest/SfuClock.ts';
import { WindowedMinimum } from '../../../../compositor/ingest/WindowedMinimum.ts';

const FRAME = 3_000;
const FRAME_MS = 100 / 3;
/** The SFU's wall clock at program time 0. */
const NTP = 1_763_951_234_000;

const reportOf = (ntpMs: number, rtpTimestamp: number): SenderReport => ({
  ssrc: 1,
  ntpMs,
  compactNtp: 0,
  rtpTimestamp: rtpTimestamp >>> 0,
});

function timeline(carried?: { atRtp: number; atProgramMs: number }): { clock: SfuClock; line: RtpTimeline } {
  const clock = new SfuClock();
  return { clock, line: new RtpTimeline({ clockRate: 90_000, clock, ...(carried ? { carried } : {}) }) };
}

describe('RtpTimeline', () => {
  test('unwraps over 2^32, and lets small steps back be', () => {
    const { line } = timeline();
    const start = 0xffffff00;
    expect(line.advance(start, 0)).toBe(start);
    expect(line.advance((start + FRAME) >>> 0, 33)).toBe(start + FRAME);
    expect(line.advance((start + FRAME - 5_940) >>> 0, 34)).toBe(start + FRAME - 5_940);
    expect(line.steps).toBe(0);
    expect(line.carry()!.atRtp).toBe((start + FRAME - 5_940) >>> 0);
  });

  test('before a report the earliest arrival counts as capture', () => {
    const { line } = timeline();
    line.advance(0, 1_000);
    expect(line.captureMs(0, 1_000)).toBe(1_000);
    // In the first second a better one counts at once.
    line.advance(FRAME, 1_000 + FRAME_MS - 2);
    expect(line.captureMs(FRAME, 1_040)).toBeCloseTo(1_000 + FRAME_MS - 2, 6);
    for (let n = 2; n < 90; n++) line.advance(n * FRAME, 1_000 + n * FRAME_MS - (n === 60 ? 8 : -3));
    const captureMs = line.captureMs(89 * FRAME, 1_000 + 89 * FRAME_MS);
    // 8 ms early once: slewed towards that by 5 ms a second.
    expect(captureMs - (1_000 + 89 * FRAME_MS)).toBeLessThan(-5);
    expect(captureMs - (1_000 + 89 * FRAME_MS)).toBeGreaterThan(-8);
    expect(line.steps).toBe(0);
  });

  test('steps once to the first report when it differs by more than 30 ms', () => {
    const { clock, line } = timeline();
    // Captured 80 ms before its arrival.
    for (let n = 0; n <= 30; n++) line.advance(n * FRAME, 1_080 + n * FRAME_MS);
    clock.add(NTP + 2_000, 2_000.5);
    line.report(reportOf(NTP + 2_000, 30 * FRAME), 2_000.5);
    expect(line.synchronised).toBe(true);
    expect(line.steps).toBe(1);
    expect(line.captureMs(30 * FRAME, 2_090)).toBeCloseTo(2_000.5, 3);
  });

  test('slews to a report that differs by less', () => {
    const { clock, line } = timeline();
    for (let n = -30; n <= 30; n++) line.advance((n * FRAME) >>> 0, 1_010 + n * FRAME_MS);
    clock.add(NTP + 2_000, 2_000);
    line.report(reportOf(NTP + 2_000, 30 * FRAME), 2_000);
    const rtp = line.unwrap(30 * FRAME);
    expect(line.captureMs(rtp, 2_010)).toBeCloseTo(2_010, 0);
    expect(line.captureMs(rtp, 3_010)).toBeCloseTo(2_005, 0);
    expect(line.captureMs(rtp, 6_010)).toBeCloseTo(2_000, 3);
    expect(line.steps).toBe(0);
  });

  test('nothing is captured later than it arrived, whatever a report says', () => {
    const { clock, line } = timeline();
    for (let n = 0; n < 60; n++) line.advance(n * FRAME, 1_000 + n * FRAME_MS);
    clock.add(NTP + 3_000, 3_000);
    // 12 ms after its arrival; 6 of them may be drift.
    line.report(reportOf(NTP + 3_000, (2_000 - 12) * 90), 3_000);
    expect(line.captureMs(60 * FRAME, 9_000)).toBeCloseTo(3_006, 3);
  });

  test('sound is sent when the whole packet is captured', () => {
    const { line } = timeline();
    for (let n = 0; n < 100; n++) line.advance(n * 1_800, 1_020 + n * 20, { lengthMs: 20 });
    expect(line.captureMs(0, 3_000)).toBeCloseTo(1_000, 6);
  });

  test('reports that were late, to the SFU or in it, change little', () => {
    const { clock, line } = timeline();
    const captured = () => line.captureMs(0, 20_000) - 1_000;
    const report = (second: number, lateMs: number) => {
      const nowMs = 1_020 + second * 1_000;
      for (let n = 0; n < 30; n++) line.advance(second * 90_000 + n * FRAME, nowMs + n * FRAME_MS);
      clock.add(NTP + nowMs + 1_000, nowMs + 1_000);
      line.report(reportOf(NTP + nowMs + 1_000, (second + 1) * 90_000 + (20 - lateMs) * 90), nowMs + 1_000);
    };
    for (const [second, lateMs] of [0, 4, 9, 17, 3, 12, 15].entries()) report(second, lateMs);
    expect(captured()).toBeCloseTo(6, 3);
    // What is not late is followed.
    report(7, 2);
    expect(captured()).toBeCloseTo(2, 3);
    report(8, -3);
    expect(captured()).toBeCloseTo(-3, 3);
  });

  test('tells what is late by as much as a layer switch makes, and takes a new shift off', () => {
    const { clock, line } = timeline();
    const report = (n: number, nowMs: number) => {
      clock.add(NTP + nowMs, nowMs);
      return reportOf(NTP + nowMs, n * FRAME);
    };
    for (let n = 0; n <= 30; n++) line.advance(n * FRAME, 1_000 + n * FRAME_MS);
    const first = report(30, 2_000);
    expect(line.lateTicks(first)).toBe(0);
    line.report(first, 2_000);
    for (let n = 31; n <= 60; n++) line.advance(n * FRAME + 2_970, 1_000 + n * FRAME_MS);
    expect(line.lateTicks(report(60, 3_000))).toBe(0);
    const shifted = reportOf(NTP + 3_000, 60 * FRAME + 2_970);
    expect(line.lateTicks(shifted)).toBe(2_970);
    line.reshift(2_970);
    expect(line.lateTicks(shifted)).toBe(0);
    line.report(shifted, 3_000);
    // As long as the shift was not known arrivals have pulled by 5 ms a second.
    expect(Math.abs(line.captureMs(line.unwrap(60 * FRAME + 2_970), 3_000) - 3_000)).toBeLessThan(6);
  });

  test('starts where its predecessor was', () => {
    const { line } = timeline({ atRtp: 0xffffff00, atProgramMs: 5_000 });
    const rtp = line.advance((0xffffff00 + 90_000) >>> 0, 6_060);
    expect(line.captureMs(rtp, 6_060)).toBeCloseTo(6_000, 6);
    for (let n = 1; n < 30; n++) line.advance((0xffffff00 + 90_000 + n * FRAME) >>> 0, 6_060 + n * FRAME_MS);
    expect(line.captureMs(rtp, 7_060)).toBeCloseTo(6_000, 6);
  });

  test('does not believe a carried mapping that puts the first packet in the future', () => {
    const { line } = timeline({ atRtp: 0, atProgramMs: 50_000 });
    const rtp = line.advance(0, 6_000);
    expect(line.captureMs(rtp, 6_000)).toBe(6_000);
  });

  test('a pause needs no new anchor', () => {
    const { line } = timeline();
    line.advance(0, 1_000);
    line.advance(20 * 90_000, 21_002);
    expect(line.steps).toBe(0);
    expect(Math.abs(line.captureMs(20 * 90_000, 21_002) - 21_000)).toBeLessThan(3);
  });

  test.each([
    ['a jump into the future', 90_000 * 60],
    ['a jump back', -90_000 * 60],
    ['a step back of 300 ms', -27_000],
  ])('anchors anew at %s', (_, jump) => {
    const { clock, line } = timeline();
    let rtp = 0;
    for (let n = 0; n <= 30; n++) rtp = line.advance(1_000_000 + n * FRAME, 1_000 + n * FRAME_MS);
    clock.add(NTP + 2_000, 2_000);
    line.report(reportOf(NTP + 2_000, rtp), 2_000);
    rtp = line.advance((rtp + FRAME + jump) >>> 0, 2_040);
    expect(line.steps).toBeGreaterThanOrEqual(1);
    expect(line.captureMs(rtp, 2_040)).toBeCloseTo(2_040, 3);
    expect(line.synchronised).toBe(false);
    // A report that is older than the jump does not fit what arrives now.
    clock.add(NTP + 2_041, 2_041);
    if (Math.abs(jump) > 90_000) {
      line.report(reportOf(NTP + 2_041, 1_000_000 + 31 * FRAME), 2_041);
      expect(line.synchronised).toBe(false);
    }
    line.report(reportOf(NTP + 2_041, rtp), 2_041);
    expect(line.synchronised).toBe(true);
  });

  test('a stall of the network is no new anchor, but what stays late is', () => {
    const { line } = timeline();
    for (let n = 0; n <= 30; n++) line.advance(n * FRAME, n * FRAME_MS);
    // 3 s nothing, then all of it at once.
    for (let n = 31; n <= 120; n++) line.advance(n * FRAME, 4_000 + (n - 31));
    expect(line.steps).toBe(0);
    expect(line.captureMs(120 * FRAME, 4_100)).toBeCloseTo(4_000, 0);
    for (let n = 121; n <= 160; n++) line.advance(n * FRAME, 10_000 + n * FRAME_MS);
    expect(line.steps).toBe(1);
  });
});

describe('SfuClock', () => {
  test('takes the least late report of the window', () => {
    const clock = new SfuClock();
    expect(clock.offsetMs).toBeNull();
    clock.add(NTP, 40);
    clock.add(NTP + 1_000, 1_001);
    clock.add(NTP + 2_000, 2_300);
    expect(clock.offsetMs).toBeCloseTo(1 - NTP, 3);
    for (let s = 3; s < 40; s++) clock.add(NTP + s * 1_000, s * 1_000 + 5);
    expect(clock.offsetMs).toBeCloseTo(5 - NTP, 3);
  });

  test('a report that is late by a stall changes nothing; a clock that was set is followed', () => {
    const clock = new SfuClock();
    clock.add(NTP, 1);
    clock.add(NTP + 1_000, 3_500);
    expect(clock.offsetMs).toBeCloseTo(1 - NTP, 3);
    clock.add(NTP + 100_000, 4_000);
    expect(clock.offsetMs).toBeCloseTo(-96_000 - NTP, 3);
    for (let s = 5; s < 10; s++) clock.add(NTP + s * 1_000, s * 1_000);
    expect(clock.offsetMs).toBeCloseTo(0 - NTP, 3);
  });
});

describe('WindowedMinimum', () => {
  test('works before program time 0, and forgets', () => {
    const minimum = new WindowedMinimum(3);
    minimum.add(5, -2_500);
    minimum.add(9, -1_500);
    expect(minimum.value).toBe(5);
    minimum.add(9, -100);
    expect(minimum.value).toBe(5);
    minimum.add(9, 100);
    expect(minimum.value).toBe(9);
    minimum.add(10, 50_000);
    expect(minimum.value).toBe(10);
  });
});
