import { randomBytes } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { RtcpPacketConverter, type RtcpSrPacket } from 'werift-rtp';
import { SrtpReceiver } from '../../../../compositor/ingest/SrtpReceiver.ts';
import { SrtpSender } from '../../../../compositor/ingest/SrtpSender.ts';
import { BurstQueue } from '../../../../compositor/return/BurstQueue.ts';
import { PacketHistory } from '../../../../compositor/return/PacketHistory.ts';
import { ReturnStream } from '../../../../compositor/return/ReturnStream.ts';

function setUp(clockRate = 90_000) {
  const parameters = { cryptoSuite: 'AEAD_AES_128_GCM', keyBase64: randomBytes(28).toString('base64') } as const;
  const sent: Buffer[] = [];
  const send = (datagram: Buffer) => sent.push(datagram);
  const stream = new ReturnStream({ ssrc: 77, payloadType: 102, clockRate, srtp: new SrtpSender(parameters), send });
  return { stream, sent, receiver: new SrtpReceiver(parameters) };
}

describe('ReturnStream', () => {
  test('counts its packets on over a wrap, each readable by its receiver', () => {
    const { stream, sent, receiver } = setUp();
    let first = -1;
    for (let n = 0; n < 70_000; n++) {
      stream.write(Buffer.from([n & 0xff, n >>> 8]), n * 3000, n % 2 === 1);
      if (n % 7 !== 0) continue;
      const packet = receiver.unprotectRtp(sent.at(-1) ?? Buffer.alloc(0));
      if (first < 0) first = packet?.index ?? -1;
      const marker = n % 2 === 1;
      expect(packet).toMatchObject({ index: first + n, ssrc: 77, payloadType: 102, timestamp: n * 3000, marker });
      expect(packet?.payload).toEqual(Buffer.from([n & 0xff, (n >>> 8) & 0xff]));
    }
    expect(receiver.drops).toEqual({ malformed: 0, unauthentic: 0, replayed: 0 });
  });

  test('sends the same datagrams again as long as they are kept', () => {
    const { stream, sent } = setUp();
    for (let n = 0; n < 600; n++) stream.write(Buffer.from([n & 0xff]), n, true);
    const all = [...sent];
    const sequence = (datagram: Buffer | undefined) => datagram?.readUInt16BE(2) ?? -1;
    sent.length = 0;
    stream.again([sequence(all[599]), sequence(all[100]), sequence(all[10]), (sequence(all[599]) + 1) % 0x10000]);
    expect(sent).toEqual([all[599], all[100]]);
  });

  test('reports the RTP time of an instant, as another implementation reads it; nothing before its first packet', () => {
    const { stream } = setUp(48_000);
    expect(stream.report(1000, 1_763_951_234_567.5)).toBeNull();
    stream.write(Buffer.alloc(10), 5, true);
    stream.write(Buffer.alloc(20), 6, true);
    const [packet] = RtcpPacketConverter.deSerialize(stream.report(2_500_000_000, 1_763_951_234_567.5)!);
    const { ssrc, senderInfo } = packet as RtcpSrPacket;
    expect(ssrc).toBe(77);
    expect(senderInfo.rtpTimestamp).toBe((2_500_000_000 * 48) % 2 ** 32);
    expect(senderInfo).toMatchObject({ packetCount: 2, octetCount: 30 });
    const ntp = Number(senderInfo.ntpTimestamp >> 32n) + Number(senderInfo.ntpTimestamp & 0xffffffffn) / 2 ** 32;
    expect(ntp - 2_208_988_800).toBeCloseTo(1_763_951_234.5675, 3);
  });
});

test('PacketHistory keeps the newest, and never gives another packet than the one that is asked for', () => {
  const history = new PacketHistory(4);
  for (let n = 65_533; n < 65_538; n++) history.add(n % 0x10000, Buffer.from([n & 0xff]));
  expect(history.get(65_533)).toBeUndefined();
  expect(history.get(65_534)).toEqual(Buffer.from([0xfe]));
  expect(history.get(1)).toEqual(Buffer.from([1]));
  expect(history.get(5)).toBeUndefined();
});

test('BurstQueue sends a large picture in bursts, all in order, and drops what is left when it closes', () => {
  vi.useFakeTimers();
  try {
    const sent: number[] = [];
    const queue = new BurstQueue((datagram) => sent.push(datagram[0] ?? -1));
    const add = (from: number, to: number) => {
      for (let n = from; n < to; n++) queue.add(Buffer.from([n]));
    };
    add(0, 40);
    expect(sent).toHaveLength(16);
    vi.advanceTimersToNextTimer();
    expect(sent).toHaveLength(32);
    add(40, 42);
    vi.runAllTimers();
    expect(sent).toEqual(Array.from({ length: 42 }, (_, n) => n));
    add(50, 52);
    expect(sent.slice(-2)).toEqual([50, 51]);
    add(60, 90);
    queue.close();
    vi.runAllTimers();
    expect(sent.length).toBe(42 + 16);
  } finally {
    vi.useRealTimers();
  }
});

test('BurstQueue keeps up though its timer comes late, as in a process that has no time', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let nowMs = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  try {
    const sent: number[] = [];
    const queue = new BurstQueue((datagram) => sent.push(datagram.readUInt16BE()));
    for (let turn = 0; turn < 20; turn++) {
      for (let n = 60 * turn; n < 60 * turn + 60; n++) queue.add(Buffer.from([n >>> 8, n & 0xff]));
      // The process does something else for 100 ms; only then the timer has its turn.
      nowMs += 100;
      vi.advanceTimersByTime(3);
      expect(sent).toHaveLength(60 * turn + 60);
    }
    expect(sent).toEqual(Array.from({ length: 1_200 }, (_, n) => n));
    queue.close();
  } finally {
    clock.mockRestore();
    vi.useRealTimers();
  }
});
