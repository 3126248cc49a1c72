import { EventEmitter } from 'node:events';
import type { types as mediasoup } from 'mediasoup';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import type { TapSource } from '../../../src/broadcast/RoomTap.ts';
import { TapStream } from '../../../src/broadcast/TapStream.ts';

const CAMERA = 'paaaaaaaa.camera';

/** A consumer that keeps what it is told, and answers in the next turn; time is the test's. */
function setUp(type: 'simulcast' | 'simple' | 'svc' = 'simulcast', kind: 'video' | 'audio' = 'video') {
  const told: string[] = [];
  let now = 0;
  const consumer = Object.assign(new EventEmitter(), {
    type,
    kind,
    closed: false,
    paused: true,
    rtpParameters: { codecs: [], encodings: [{ ssrc: 7 }] },
    setPreferredLayers: async ({ spatialLayer }: { spatialLayer: number }) => {
      told.push(`layer ${spatialLayer}`);
    },
    resume: async () => {
      told.push('resume');
      consumer.paused = false;
    },
    pause: async () => {
      told.push('pause');
      consumer.paused = true;
    },
    close: () => {
      consumer.closed = true;
    },
  });
  const encodings = { simulcast: [{}, {}, {}], simple: [{}], svc: [{ scalabilityMode: 'L3T3_KEY' }] }[type];
  const producer = { id: 'producer', appData: {}, rtpParameters: { encodings } };
  const source = { id: CAMERA, peer: 'paaaaaaaa', kind: 'camera', paused: false, producer } as unknown as TapSource;
  const stream = new TapStream(
    source,
    consumer as unknown as mediasoup.Consumer,
    { now: () => now },
    pino({ level: 'silent' }),
  );
  return {
    stream,
    consumer,
    told,
    pass: (ms: number) => {
      now += ms;
    },
    settled: () => new Promise<void>((resolve) => setImmediate(resolve)),
  };
}

const size = (width: number, height: number) => ({ width, height });

describe('TapStream', () => {
  test('video plays when it is released and seen, at the layer that fits', async () => {
    const { stream, told, settled } = setUp();
    stream.see(size(320, 180));
    await settled();
    expect(told).toEqual(['layer 0']);
    stream.release();
    await settled();
    stream.see(null);
    await settled();
    stream.see(size(1280, 720));
    await settled();
    expect(told).toEqual(['layer 0', 'resume', 'pause', 'layer 2', 'resume']);
  });

  test('wishes that come while the worker answers end in the last one', async () => {
    const { stream, consumer, settled } = setUp();
    stream.release();
    for (const seen of [size(320, 180), null, size(640, 360), null]) stream.see(seen);
    await settled();
    expect(consumer.paused).toBe(true);
  });

  test('sound plays when it is released', async () => {
    const { stream, told, settled } = setUp('simple', 'audio');
    stream.see(null);
    stream.release();
    await settled();
    expect(told).toEqual(['resume']);
  });

  test.each(['simulcast', 'svc'] as const)(
    'learns from decoded pictures how large the layers of %s are',
    async (type) => {
      const { stream, consumer, told, pass, settled } = setUp(type);
      stream.see(size(640, 360));
      await settled();
      expect(told).toEqual(['layer 1']);
      consumer.emit('layerschange', { spatialLayer: 1 });
      // Still a picture of the layer before.
      pass(1_000);
      stream.learn(size(320, 180));
      // The camera is 640x480 and so its middle layer 320x240: only the highest fills the cell.
      pass(1_500);
      stream.learn(size(320, 240));
      await settled();
      expect(told).toEqual(['layer 1', 'layer 2']);
      consumer.emit('layerschange', { spatialLayer: 2 });
      pass(3_000);
      stream.learn(size(640, 480));
      await settled();
      expect(told).toHaveLength(2);
    },
  );

  test('a closed consumer is told nothing', async () => {
    const { stream, told, settled } = setUp();
    stream.close();
    stream.release();
    stream.see(size(1, 1));
    await settled();
    expect(stream.closed).toBe(true);
    expect(told).toEqual([]);
  });
});
