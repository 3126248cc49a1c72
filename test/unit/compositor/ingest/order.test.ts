import { describe, expect, test } from 'vitest';
import { KeyFrameRequester } from '../../../../compositor/ingest/KeyFrameRequester.ts';
import { MAX_MISSING, NackScheduler } from '../../../../compositor/ingest/NackScheduler.ts';
import { ReceptionStats } from '../../../../compositor/ingest/ReceptionStats.ts';
import { REORDER_CAPACITY, ReorderBuffer } from '../../../../compositor/ingest/ReorderBuffer.ts';
import type { RtpPacket } from '../../../../compositor/ingest/rtpPacket.ts';

const packet = (index: number): RtpPacket => ({
  index,
  timestamp: 0,
  marker: false,
  payloadType: 96,
  ssrc: 1,
  payload: Buffer.alloc(1),
});

function drain(buffer: ReorderBuffer): number[] {
  const out: number[] = [];
  for (let p = buffer.shift(); p; p = buffer.shift()) out.push(p.index);
  return out;
}

describe('ReorderBuffer', () => {
  test('has no hole before the first packet', () => {
    const buffer = new ReorderBuffer();
    expect(buffer.hasHole).toBe(false);
    expect(buffer.shift()).toBeNull();
    expect(buffer.skipHole()).toBe(0);
  });

  test('gives packets in order, each once', () => {
    const buffer = new ReorderBuffer();
    expect(buffer.push(packet(10))).toBe('held');
    expect(drain(buffer)).toEqual([10]);
    expect(buffer.push(packet(12))).toBe('held');
    expect(buffer.push(packet(12))).toBe('duplicate');
    expect(buffer.hasHole).toBe(true);
    expect(drain(buffer)).toEqual([]);
    expect(buffer.push(packet(11))).toBe('held');
    expect(drain(buffer)).toEqual([11, 12]);
    expect(buffer.hasHole).toBe(false);
    expect(buffer.push(packet(11))).toBe('late');
  });

  test('skips a hole and tells how many are lost', () => {
    const buffer = new ReorderBuffer();
    for (const index of [1, 5, 6, 9]) buffer.push(packet(index));
    drain(buffer);
    expect(buffer.skipHole()).toBe(3);
    expect(drain(buffer)).toEqual([5, 6]);
    expect(buffer.skipHole()).toBe(2);
    expect(drain(buffer)).toEqual([9]);
  });

  test('refuses what is too far ahead, and goes on from there after a restart', () => {
    const buffer = new ReorderBuffer();
    buffer.push(packet(1));
    drain(buffer);
    buffer.push(packet(3));
    const far = packet(2 + REORDER_CAPACITY);
    expect(buffer.push(far)).toBe('beyond');
    expect(buffer.restart(far)).toBe(REORDER_CAPACITY);
    expect(buffer.push(far)).toBe('held');
    expect(drain(buffer)).toEqual([far.index]);
    expect(buffer.hasHole).toBe(false);
  });
});

describe('NackScheduler', () => {
  test('asks at once, then each 25 ms, and stops', () => {
    const nacks = new NackScheduler();
    nacks.add(5, 7, 100);
    expect(nacks.due(100)).toEqual([5, 6]);
    expect(nacks.due(110)).toEqual([]);
    expect(nacks.received(5)).toBe(true);
    expect(nacks.received(5)).toBe(false);
    expect(nacks.due(125)).toEqual([6]);
    let asked = 0;
    for (let ms = 125; ms < 5_000; ms += 10) asked += nacks.due(ms).length;
    expect(asked).toBe(14);
    expect(nacks.since(6)).toBe(100);
    nacks.forgetBelow(7);
    expect(nacks.pending).toBe(false);
  });

  test('is bounded', () => {
    const nacks = new NackScheduler();
    nacks.add(0, 10_000, 0);
    nacks.add(10_001, 10_011, 0);
    expect(nacks.due(0)).toHaveLength(MAX_MISSING);
    expect(nacks.since(0)).toBeNull();
  });
});

describe('KeyFrameRequester', () => {
  test('asks at once, then more and more seldom until a key frame comes', () => {
    const requester = new KeyFrameRequester();
    expect(requester.due(0)).toBe(false);
    requester.want(0);
    const asked: number[] = [];
    for (let ms = 0; ms < 12_000; ms += 100) if (requester.due(ms)) asked.push(ms);
    expect(asked).toEqual([0, 500, 1_500, 3_500, 7_500, 11_500]);
    requester.satisfied();
    expect(requester.due(20_000)).toBe(false);
  });

  test('asks at once when the stream is heard again after a silence', () => {
    const requester = new KeyFrameRequester();
    const asked: number[] = [];
    requester.want(0);
    for (let ms = 0; ms < 4_000; ms += 100) {
      if (ms === 3_000) requester.heard();
      if (requester.due(ms)) asked.push(ms);
    }
    expect(asked).toEqual([0, 500, 1_500, 3_000, 3_500]);
  });

  test('never asks twice within 300 ms, whoever wants it', () => {
    const requester = new KeyFrameRequester();
    const asked: number[] = [];
    for (let ms = 0; ms < 3_000; ms += 10) {
      requester.want(ms);
      if (requester.due(ms)) asked.push(ms);
      requester.satisfied();
    }
    expect(asked).toEqual(Array.from({ length: 10 }, (_, i) => i * 300));
  });
});

describe('ReceptionStats', () => {
  test('counts loss as RFC 3550 does', () => {
    const stats = new ReceptionStats(9, 90_000);
    expect(stats.block(0)).toBeNull();
    for (let i = 0; i < 100; i++) if (i % 4 !== 3) stats.packet(65_500 + i, i * 3_000, (i * 1000) / 30);
    expect(stats.block(4_000)).toMatchObject({
      ssrc: 9,
      totalLost: 24,
      highest: 65_598,
      jitter: 0,
      lastSenderReport: 0,
    });
    stats.packet(65_503, 9_000, 4_100);
    expect(stats.block(5_000)).toMatchObject({ fractionLost: 0, totalLost: 23 });
  });

  test('tells how long ago the newest sender report came', () => {
    const stats = new ReceptionStats(9, 90_000);
    stats.packet(1, 0, 0);
    stats.senderReport({ ssrc: 9, ntpMs: 0, compactNtp: 0xabcd, rtpTimestamp: 0 }, 1_000);
    expect(stats.block(1_500)).toMatchObject({ lastSenderReport: 0xabcd, delaySinceLastSenderReport: 32_768 });
  });
});
