import { describe, expect, test } from 'vitest';
import { ReplayWindow } from '../../../../compositor/ingest/ReplayWindow.ts';
import { pictureLossIndication } from '../../../../compositor/ingest/rtcp.ts';
import { SrtcpSender } from '../../../../compositor/ingest/SrtcpSender.ts';
import { estimateRoc, SrtpReceiver } from '../../../../compositor/ingest/SrtpReceiver.ts';
import { senderReport } from '../../../support/ingest/packetize.ts';
import { SrtpPeer } from '../../../support/ingest/SrtpPeer.ts';

const SSRC = 0x89abcdef;
const payloadOf = (n: number): Buffer => Buffer.from(`packet ${n}`);

function pair(): { peer: SrtpPeer; receiver: SrtpReceiver } {
  const peer = new SrtpPeer();
  return { peer, receiver: new SrtpReceiver(peer.parameters) };
}

const protect = (peer: SrtpPeer, index: number): Buffer =>
  peer.rtp({ sequence: index & 0xffff, ssrc: SSRC }, payloadOf(index));

/** Indices from one to another: few, but all near a wrap, where werift counts its rollovers. */
function steps(from: number, to: number): number[] {
  const indices: number[] = [];
  for (let index = from; index < to; index++) {
    const toWrap = Math.abs((index & 0xffff) - 0x8000) - 0x8000;
    if (toWrap > -50 || index % 50 === 0) indices.push(index);
  }
  return indices;
}

describe('SrtpReceiver, RTP', () => {
  test('opens what another implementation protected, header fields and payload', () => {
    const { peer, receiver } = pair();
    const fields = { sequence: 7, ssrc: SSRC, timestamp: 0xfedcba98, payloadType: 111, marker: true };
    const packet = receiver.unprotectRtp(peer.rtp(fields, payloadOf(7)));
    expect(packet).toEqual({
      index: 7,
      timestamp: 0xfedcba98,
      marker: true,
      payloadType: 111,
      ssrc: SSRC,
      payload: payloadOf(7),
    });
  });

  test('counts on over two wraps of the sequence number, with loss and reordering at each', () => {
    const { peer, receiver } = pair();
    const datagrams: { index: number; datagram: Buffer }[] = [];
    for (const index of steps(60_000, 200_000)) {
      datagrams.push({ index, datagram: protect(peer, index) });
    }
    for (let i = 0; i + 1 < datagrams.length; i += 2) datagrams.splice(i, 2, datagrams[i + 1]!, datagrams[i]!);
    for (const { index, datagram } of datagrams) {
      const packet = receiver.unprotectRtp(datagram);
      expect(packet?.index).toBe(index);
      expect(packet?.payload.equals(payloadOf(index))).toBe(true);
    }
    expect(receiver.drops).toEqual({ malformed: 0, unauthentic: 0, replayed: 0 });
  });

  test('survives 20,000 lost packets across a wrap', () => {
    const { peer, receiver } = pair();
    for (let index = 50_000; index < 50_100; index++)
      expect(receiver.unprotectRtp(protect(peer, index))?.index).toBe(index);
    for (const index of steps(50_100, 70_000)) protect(peer, index);
    for (let index = 70_000; index < 70_100; index++)
      expect(receiver.unprotectRtp(protect(peer, index))?.index).toBe(index);
  });

  test('finds the rollover counter of a stream whose start was lost across a wrap', () => {
    const { peer, receiver } = pair();
    for (let index = 65_530; index < 65_540; index++) protect(peer, index);
    expect(receiver.unprotectRtp(protect(peer, 65_540))?.index).toBe(65_540);
  });

  test('finds the rollover counter again after more than 2^15 lost packets', () => {
    const { peer, receiver } = pair();
    expect(receiver.unprotectRtp(protect(peer, 100))?.index).toBe(100);
    for (const index of steps(101, 65_700)) protect(peer, index);
    const opened = Array.from(
      { length: 40 },
      (_, i) => receiver.unprotectRtp(protect(peer, 65_700 + i))?.index ?? null,
    );
    expect(opened.at(-1)).toBe(65_739);
    expect(opened.filter((index) => index === null).length).toBeLessThan(20);
  });

  test('takes each packet once, also a late one, and none that is too old', () => {
    const { peer, receiver } = pair();
    const datagrams = Array.from({ length: 2_000 }, (_, n) => peer.rtp({ sequence: n + 1, ssrc: SSRC }, payloadOf(n)));
    for (let n = 0; n < 2_000; n++)
      if (n !== 1_500 && n !== 100) expect(receiver.unprotectRtp(datagrams[n]!)).not.toBeNull();
    expect(receiver.unprotectRtp(datagrams[1_500]!)?.index).toBe(1_501);
    expect(receiver.unprotectRtp(datagrams[1_500]!)).toBeNull();
    expect(receiver.unprotectRtp(datagrams[1_999]!)).toBeNull();
    expect(receiver.unprotectRtp(datagrams[100]!)).toBeNull();
    expect(receiver.drops).toEqual({ malformed: 0, unauthentic: 0, replayed: 3 });
  });

  test('refuses every packet with one bit turned, and then still takes the right one', () => {
    const { peer, receiver } = pair();
    receiver.unprotectRtp(peer.rtp({ sequence: 1, ssrc: SSRC }, payloadOf(1)));
    const datagram = peer.rtp({ sequence: 2, ssrc: SSRC, marker: true }, payloadOf(2));
    for (let bit = 0; bit < datagram.length * 8; bit++) {
      const turned = Buffer.from(datagram);
      turned[bit >> 3]! ^= 1 << (bit & 7);
      expect(receiver.unprotectRtp(turned), `bit ${bit}`).toBeNull();
    }
    expect(receiver.unprotectRtp(datagram)?.index).toBe(2);
  });

  test('takes off padding, and refuses more padding than payload', () => {
    const { peer, receiver } = pair();
    const padded = (sequence: number, octets: number[]): Buffer =>
      peer.rtp({ sequence, ssrc: SSRC, padding: true }, Buffer.from(octets));
    expect([...receiver.unprotectRtp(padded(1, [1, 2, 3, 0, 0, 3]))!.payload]).toEqual([1, 2, 3]);
    expect(receiver.unprotectRtp(padded(2, [0, 0, 3]))!.payload.length).toBe(0);
    expect(receiver.unprotectRtp(padded(3, [0, 4]))).toBeNull();
    expect(receiver.unprotectRtp(padded(4, [1, 0]))).toBeNull();
    expect(receiver.unprotectRtp(padded(5, []))).toBeNull();
    expect(receiver.drops.malformed).toBe(3);
  });
});

describe('SrtpReceiver, RTCP', () => {
  const report = senderReport({ ssrc: SSRC, unixMs: 1_700_000_000_000, timestamp: 5, packets: 1, octets: 2 });

  test('opens what another implementation protected, once', () => {
    const { peer, receiver } = pair();
    const first = peer.rtcp(report);
    const second = peer.rtcp(report);
    expect(receiver.unprotectRtcp(second)?.equals(report)).toBe(true);
    expect(receiver.unprotectRtcp(first)?.equals(report)).toBe(true);
    expect(receiver.unprotectRtcp(first)).toBeNull();
    expect(receiver.drops.replayed).toBe(1);
  });

  test('refuses every datagram with one bit turned', () => {
    const { peer, receiver } = pair();
    const datagram = peer.rtcp(report);
    for (let bit = 0; bit < datagram.length * 8; bit++) {
      const turned = Buffer.from(datagram);
      turned[bit >> 3]! ^= 1 << (bit & 7);
      expect(receiver.unprotectRtcp(turned), `bit ${bit}`).toBeNull();
    }
    expect(receiver.unprotectRtcp(datagram)).not.toBeNull();
  });

  test('what SrtcpSender protects, another implementation opens', () => {
    const sender = new SrtcpSender();
    const peer = new SrtpPeer(sender.parameters);
    const pli = pictureLossIndication(1, SSRC);
    for (let i = 0; i < 3; i++) expect(peer.openRtcp(sender.protect(pli)).equals(pli)).toBe(true);
    expect(sender.protect(pli).equals(sender.protect(pli))).toBe(false);
  });
});

describe('SrtpReceiver and the network', () => {
  test('never throws on 20,000 random, truncated or mutated datagrams', () => {
    const { peer, receiver } = pair();
    let state = 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % below;
    };
    const seeds = [peer.rtp({ sequence: 1, ssrc: SSRC }, Buffer.alloc(100, 1)), peer.rtcp(pictureLossIndication(1, 2))];
    for (let i = 0; i < 20_000; i++) {
      let datagram: Buffer;
      if (i % 2 === 0) datagram = Buffer.from(Array.from({ length: random(60) }, () => random(256)));
      else {
        datagram = Buffer.from(seeds[random(2)]!).subarray(0, random(120));
        for (let k = 0; k < 3 && datagram.length > 0; k++)
          datagram[random(Math.min(16, datagram.length))] = random(256);
      }
      expect(receiver.unprotectRtp(datagram)).toBeNull();
      expect(receiver.unprotectRtcp(datagram)).toBeNull();
    }
  });
});

describe('estimateRoc', () => {
  test.each([
    [0, 10, 20, 0],
    [0, 65_535, 0, 1],
    [1, 0, 65_535, 0],
    [0, 0, 65_535, -1],
    [5, 32_767, 0, 5],
    [5, 40_000, 10, 6],
    [5, 10, 40_000, 4],
  ])('counter %i, newest %i, packet %i → %i', (roc, newest, sequence, expected) => {
    expect(estimateRoc(roc, newest, sequence)).toBe(expected);
  });
});

describe('ReplayWindow', () => {
  test('agrees with a set of all indices on a shuffled sequence', () => {
    const window = new ReplayWindow();
    const seen = new Set<number>();
    let state = 7;
    let newest = 0;
    for (let i = 0; i < 20_000; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const index = Math.max(0, newest - 1_200 + (state % 1_300)) + 3;
      const expected = index > newest - 1_024 && !seen.has(index);
      expect(window.accepts(index), `index ${index}, newest ${newest}`).toBe(expected);
      if (!expected) continue;
      window.add(index);
      seen.add(index);
      newest = Math.max(newest, index);
    }
  });
});
