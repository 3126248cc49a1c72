import { expect, test } from 'vitest';
import { type ReadProducer, UploadMeter } from '../../../../src/rooms/health/UploadMeter.ts';

type Stream = ReadProducer['streams'][number];
const stream = (change: Partial<Stream> = {}): Stream => ({
  ...{ ssrc: 1, rtxSsrc: 2, packetCount: 100, packetsLost: 0, byteCount: 10_000, bitrate: 500_000, jitter: 0 },
  ...{ packetsRepaired: 0, packetsRetransmitted: 0 },
  ...{ mimeType: 'video/VP8', ...change },
});
const camera = (streams: Stream[], layers = streams.length): ReadProducer => ({
  ...{ id: 'c', source: 'camera', paused: false, layers, streams },
});
const microphone = (change: Partial<Stream> = {}): ReadProducer => ({
  ...{ id: 'm', source: 'microphone', paused: false, layers: 1 },
  streams: [stream({ ssrc: 9, bitrate: 40_000, mimeType: 'audio/opus', ...change })],
});

test('loss is what was lost of all that was sent, over the last six seconds', () => {
  const meter = new UploadMeter();
  const at = (seconds: number, packetCount: number, packetsLost: number) =>
    meter.reckon([camera([stream({ packetCount, packetsLost })])], 'udp', seconds * 1000).lostPercent;
  expect(at(0, 100, 50)).toBeNull();
  expect(at(2, 190, 60)).toBe(10);
  expect(at(6, 390, 60)).toBeCloseTo((10 / 300) * 100);
  // The beginning is the newest that is old enough: of 2 s, not of 0.
  expect(at(8, 490, 60)).toBe(0);
});

test('loss counts all streams together; one that has just begun says nothing yet', () => {
  const meter = new UploadMeter();
  meter.reckon([microphone({ packetCount: 0 })], 'udp', 0);
  const sound = microphone({ packetCount: 80, packetsLost: 20 });
  expect(meter.reckon([sound, camera([stream({ packetsLost: 70 })])], 'udp', 2_000).lostPercent).toBe(20);
});

const withoutRtx = ({ rtxSsrc: _, ...rest }: Stream): Stream => rest;

test.each([
  ['as RTX', (s: Stream) => s, 20],
  ['as it was', withoutRtx, 5],
])('what was sent again was lost at first, sent again %s', (_, way, packetsLost) => {
  const meter = new UploadMeter();
  meter.reckon([camera([way(stream({ packetCount: 0 }))])], 'udp', 0);
  // Of 100 packets 20 were lost; 15 of them came when they were asked for.
  const after = stream({ packetCount: 95, packetsRepaired: 15, packetsRetransmitted: 15, packetsLost });
  expect(meter.reckon([camera([way(after)])], 'udp', 2_000).lostPercent).toBe(20);
});

test('a stream that is sent anew under another id begins anew', () => {
  const meter = new UploadMeter();
  meter.reckon([camera([stream({ packetCount: 5_000, packetsLost: 900 })])], 'udp', 0);
  const next = { ...camera([stream({ packetCount: 10 })]), id: 'c2' };
  expect(meter.reckon([next], 'udp', 2_000).lostPercent).toBeNull();
});

test('bitrate is the sum; layers are those that carry something, of those that there are to be', () => {
  const meter = new UploadMeter();
  const layers = [stream({ ssrc: 1, bitrate: 150_000 }), stream({ ssrc: 2, bitrate: 800 })];
  expect(meter.reckon([camera(layers, 3), microphone()], 'tcp', 0)).toMatchObject({
    ...{ bitrate: 190_800, layers: { sent: 1, of: 3 }, protocol: 'tcp', microphone: true },
  });
  expect(meter.reckon([camera([stream()], 1)], 'udp', 0)).toMatchObject({ layers: null, microphone: false });
});

test('jitter is the sound’s, in its own clock; without sound the picture’s', () => {
  const meter = new UploadMeter();
  const picture = camera([stream({ jitter: 9_000 })]);
  expect(meter.reckon([picture, microphone({ jitter: 480 })], 'udp', 0).jitterMs).toBe(10);
  expect(meter.reckon([picture], 'udp', 0).jitterMs).toBe(100);
  expect(meter.reckon([], 'udp', 0).jitterMs).toBeNull();
});

test('a source that is on and of which nothing comes for five seconds is missing; a screen may stand, and who is paused is not asked', () => {
  const meter = new UploadMeter();
  const screen: ReadProducer = { ...camera([stream({ ssrc: 5 })]), id: 's', source: 'screen' };
  const off: ReadProducer = { ...microphone(), paused: true, streams: [] };
  const look = (seconds: number, byteCount: number) =>
    meter.reckon([camera([stream({ byteCount })]), screen, off], 'udp', seconds * 1000).missing;
  expect(look(0, 100)).toEqual([]);
  expect(look(4, 100)).toEqual([]);
  expect(look(5, 100)).toEqual(['camera']);
  expect(look(6, 200)).toEqual([]);
  expect(look(10, 200)).toEqual([]);
  expect(look(11, 200)).toEqual(['camera']);
});

test('the round trip is the longest that is known', () => {
  const meter = new UploadMeter();
  expect(meter.reckon([camera([stream({ roundTripTime: 40 }), stream({ ssrc: 2 })])], null, 0).rttMs).toBe(40);
  expect(meter.reckon([camera([stream()])], null, 0).rttMs).toBeNull();
});
