import { describe, expect, test } from 'vitest';
import { cameraLayers, screenLayers } from '../../../client/studio/media/encodings.ts';
import { levelOf } from '../../../client/studio/media/level.ts';
import { destinationsOf, isBad, isDestinationUrl } from '../../../client/studio/room/destinations.ts';
import { fitTile, stageTiles } from '../../../client/studio/room/stageTiles.ts';
import { DestinationInput } from '../../../src/contracts/broadcast.ts';
import type { PeerInfo } from '../../../src/contracts/signaling.ts';

describe('simulcast layers', () => {
  test('three for 720p, growing', () => {
    const layers = cameraLayers(1280, 720);
    expect(layers.map((l) => l.scaleResolutionDownBy)).toEqual([4, 2, 1]);
    const [low = 0, middle = 0, high = 0] = layers.map((l) => l.maxBitrate);
    expect(low).toBe(150_000);
    expect(middle).toBeGreaterThan(400_000);
    expect(middle).toBeLessThan(600_000);
    expect(high).toBeGreaterThan(1_400_000);
    expect(high).toBeLessThan(1_700_000);
  });

  test('fewer for a small capture, whichever way it is held', () => {
    expect(cameraLayers(640, 360)).toHaveLength(2);
    expect(cameraLayers(360, 640)).toHaveLength(2);
    expect(cameraLayers(720, 1280)).toHaveLength(3);
    expect(cameraLayers(320, 240)).toHaveLength(1);
  });

  test('a huge capture has a ceiling', () => {
    expect(Math.max(...cameraLayers(3840, 2160).map((l) => l.maxBitrate))).toBe(3_000_000);
  });

  test('a screen is sent once', () => {
    expect(screenLayers()).toHaveLength(1);
  });
});

describe('level', () => {
  const tone = (amplitude: number) => Float32Array.from({ length: 1024 }, (_, i) => amplitude * Math.sin(i / 5));

  test('silence is 0, full scale is 1, and it grows between', () => {
    expect(levelOf(new Float32Array(1024))).toBe(0);
    expect(levelOf([])).toBe(0);
    expect(levelOf(tone(1))).toBe(1);
    expect(levelOf(tone(0.1))).toBeGreaterThan(levelOf(tone(0.01)));
    expect(levelOf(tone(0.1))).toBeLessThan(1);
  });
});

describe('destinations', () => {
  test.each([
    ['rtmp://a.example/live', true],
    ['RTMPS://a.example:443/app', true],
    ['srt://10.0.0.1:9000?mode=caller', true],
    ['http://a.example/live', false],
    ['file:///etc/passwd', false],
    ['rtmp://', false],
    ['rtmp:///app', false],
    ['a.example/live', false],
    [`rtmp://a.example/${'x'.repeat(3000)}`, false],
  ])('%s', (url, good) => {
    expect(isDestinationUrl(url)).toBe(good);
  });

  test('blank rows are left out, a wrong one stops the start', () => {
    const blank = { id: 1, url: ' ', key: '' };
    const good = { id: 2, url: ' rtmp://a.example/live ', key: ' k ' };
    expect(destinationsOf([blank])).toEqual([]);
    expect(destinationsOf([blank, good])).toEqual([
      { name: 'a.example', url: 'rtmp://a.example/live', key: 'k', reconnectSeconds: null },
    ]);
    expect(destinationsOf([good, { id: 3, url: '', key: 'alone' }])).toBeUndefined();
    expect(isBad(blank)).toBe(false);
    expect(isBad({ id: 3, url: '', key: 'alone' })).toBe(true);
  });

  test('they are what the contract takes', () => {
    const [destination] = destinationsOf([{ id: 1, url: 'srt://10.0.0.1:9000', key: '' }]) ?? [];
    expect(DestinationInput.parse(destination)).toMatchObject({ name: '10.0.0.1', url: 'srt://10.0.0.1:9000' });
  });
});

describe('stage', () => {
  const peer = (id: string, sources: PeerInfo['sources'] = []): PeerInfo => ({
    id,
    name: id.toUpperCase(),
    role: 'host',
    seated: true,
    asking: false,
    presence: 'here',
    sources,
  });
  const track = (name: string) => ({ name }) as unknown as MediaStreamTrack;
  const nothing = { camera: null, screen: null, muted: true };

  test('own tracks, remote tracks and placeholders, in the order of the seats', () => {
    const tiles = stageTiles(
      [peer('a'), peer('b', [{ kind: 'microphone', producerId: 'x', paused: false }]), peer('c')],
      'a',
      { camera: track('mine'), screen: null, muted: false },
      [
        { consumerId: 'k', peerId: 'b', source: 'camera', track: track('b'), paused: false },
        { consumerId: 'l', peerId: 'c', source: 'camera', track: track('c'), paused: true },
      ],
    );
    expect(tiles.map((t) => [t.key, t.consumerId, t.track !== null, t.muted])).toEqual([
      ['a.camera', null, true, false],
      ['b.camera', 'k', true, false],
      ['c.camera', null, false, true],
    ]);
  });

  test('a screen comes before its camera, and stands alone when that is off', () => {
    const screen = { consumerId: 's', peerId: 'b', source: 'screen', track: track('s'), paused: false } as const;
    const camera = { consumerId: 'k', peerId: 'b', source: 'camera', track: track('k'), paused: false } as const;
    const keys = (remote: Parameters<typeof stageTiles>[3]) =>
      stageTiles([peer('b')], 'a', nothing, remote).map((t) => t.key);
    expect(keys([camera, screen])).toEqual(['b.screen', 'b.camera']);
    expect(keys([screen])).toEqual(['b.screen']);
    expect(keys([])).toEqual(['b.camera']);
  });

  test('a tile is no wider than 16:9 and stays in the middle of its cell', () => {
    expect(fitTile({ x: 10, y: 0, width: 400, height: 90 })).toEqual({ x: 130, y: 0, width: 160, height: 90 });
    expect(fitTile({ x: 10, y: 5, width: 90, height: 160 })).toEqual({ x: 10, y: 5, width: 90, height: 160 });
  });
});
