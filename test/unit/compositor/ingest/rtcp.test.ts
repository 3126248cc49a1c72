import { describe, expect, test } from 'vitest';
import { RtcpPacketConverter, type RtcpRrPacket, type RtcpTransportLayerFeedback } from 'werift-rtp';
import { genericNack, parseRtcp, pictureLossIndication, receiverReport } from '../../../../compositor/ingest/rtcp.ts';
import { senderReport } from '../../../support/ingest/packetize.ts';

describe('parseRtcp', () => {
  test('reads sender reports and BYE out of a compound, and skips the rest', () => {
    const unixMs = 1_763_951_234_567.5;
    const report = senderReport({ ssrc: 0xdeadbeef, unixMs, timestamp: 0xfffffff0, packets: 9, octets: 10 });
    const sdes = Buffer.from([0x81, 202, 0, 2, 0, 0, 0, 1, 1, 1, 65, 0]);
    const bye = Buffer.from([0x82, 203, 0, 2, 0, 0, 0, 5, 0, 0, 0, 6]);
    const content = parseRtcp(Buffer.concat([report, sdes, pictureLossIndication(1, 2), bye]));
    expect(content.gone).toEqual([5, 6]);
    expect(content.reports).toHaveLength(1);
    expect(content.reports[0]).toMatchObject({ ssrc: 0xdeadbeef, rtpTimestamp: 0xfffffff0 });
    expect(content.reports[0]!.ntpMs).toBeCloseTo(unixMs, 2);
    const seconds = Math.floor(unixMs / 1000) + 2_208_988_800;
    expect(content.reports[0]!.compactNtp >>> 16).toBe(seconds & 0xffff);
  });

  test('reads which packets are asked for again, over a wrap', () => {
    const asked = [65_510, 65_511, 65_526, 65_527, 65_536, 70_000];
    const { missed } = parseRtcp(Buffer.concat([genericNack(1, 2, asked), genericNack(1, 3, [9])]));
    expect(missed).toEqual([
      { ssrc: 2, sequences: asked.map((index) => index % 0x10000) },
      { ssrc: 3, sequences: [9] },
    ]);
    // A PLI asks for no packet.
    expect(parseRtcp(pictureLossIndication(1, 2)).missed).toEqual([]);
  });

  test('keeps what came before a malformed packet, and never throws', () => {
    const report = senderReport({ ssrc: 1, unixMs: 0, timestamp: 0, packets: 0, octets: 0 });
    for (let length = 0; length <= report.length; length++) parseRtcp(report.subarray(0, length));
    const broken = Buffer.concat([report, Buffer.from([0x9f, 203, 0xff, 0xff, 1])]);
    expect(parseRtcp(broken).reports).toHaveLength(1);
    const lying = Buffer.from([0x9f, 203, 0, 1, 0, 0, 0, 3]);
    expect(parseRtcp(lying).gone).toEqual([3]);
    let state = 3;
    for (let i = 0; i < 5_000; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      parseRtcp(Buffer.from(Array.from({ length: state % 40 }, (_, k) => ((state >>> (k % 24)) * (k + 1)) & 0xff)));
    }
  });
});

describe('feedback, read by another implementation', () => {
  test('genericNack packs 17 sequence numbers to an entry and wraps them', () => {
    const indices = [65_510, 65_511, 65_526, 65_527, 65_536, 70_000];
    const [packet] = RtcpPacketConverter.deSerialize(genericNack(1, 2, indices));
    const nack = (packet as RtcpTransportLayerFeedback).feedback as { lost: number[]; mediaSourceSsrc: number };
    // werift does not wrap what it reads out of a mask.
    expect(nack.lost.map((sequence) => sequence & 0xffff)).toEqual(indices.map((index) => index & 0xffff));
    expect(nack.mediaSourceSsrc).toBe(2);
  });

  test('receiverReport carries its blocks', () => {
    const block = {
      ssrc: 7,
      fractionLost: 25,
      totalLost: -3,
      highest: 0x10002,
      jitter: 90,
      lastSenderReport: 0x80000001,
      delaySinceLastSenderReport: 65_536,
    };
    const bytes = receiverReport(9, [block, { ...block, ssrc: 8, totalLost: 5 }]);
    const [packet] = RtcpPacketConverter.deSerialize(bytes);
    const reports = (packet as RtcpRrPacket).reports;
    expect(reports.map((r) => [r.ssrc, r.fractionLost, r.highestSequence, r.jitter, r.lsr, r.dlsr])).toEqual([
      [7, 25, 0x10002, 90, 0x80000001, 65_536],
      [8, 25, 0x10002, 90, 0x80000001, 65_536],
    ]);
    expect(bytes.readIntBE(13, 3)).toBe(-3);
  });
});
