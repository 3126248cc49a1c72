import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Scene } from '../../../src/contracts/scene.ts';
import type { PeerLink } from '../../../src/rooms/PeerLink.ts';
import { RoomRegistry } from '../../../src/rooms/RoomRegistry.ts';
import { FakeRouters } from '../../support/FakeRouters.ts';
import { roomMetrics } from '../../support/sfuMetrics.ts';

const EMPTY_MS = 5_000;
const link: PeerLink = { tell: () => {}, show: () => {}, offerConsumer: async () => true, dismiss: () => {} };
let live = false;
let routers: FakeRouters;
let registry: RoomRegistry;

beforeEach(async () => {
  vi.useFakeTimers();
  live = false;
  routers = new FakeRouters();
  registry = await RoomRegistry.create({
    pool: routers,
    limits: { emptyMs: EMPTY_MS },
    iceServers: [],
    isLive: () => live,
    logger: pino({ level: 'silent' }),
    metrics: roomMetrics(),
  });
});
afterEach(async () => {
  await registry.closeAll();
  vi.useRealTimers();
});

test('two first joins at once meet in one room', async () => {
  const [a, b] = await Promise.all([registry.getOrCreate('demo'), registry.getOrCreate('demo')]);
  expect(a).toBe(b);
  expect(registry.list()).toEqual([a]);
});

test('a failed opening is forgotten', async () => {
  routers.failures.push(new Error('no'));
  await expect(registry.getOrCreate('demo')).rejects.toThrow('no');
  expect((await registry.getOrCreate('demo')).id).toBe('demo');
});

test('a room that nobody enters is closed after a while', async () => {
  const room = await registry.getOrCreate('demo');
  await vi.advanceTimersByTimeAsync(EMPTY_MS);
  expect(room.closed).toBe(true);
  expect(registry.get('demo')).toBeUndefined();
});

test('a room with somebody in it, or live, stays', async () => {
  const room = await registry.getOrCreate('demo');
  const peer = room.join({ aud: 'join', sub: 'a', role: 'host', room: 'demo' }, {}, link);
  await vi.advanceTimersByTimeAsync(10 * EMPTY_MS);
  expect(room.closed).toBe(false);
  live = true;
  room.leave(peer);
  await vi.advanceTimersByTimeAsync(10 * EMPTY_MS);
  expect(room.closed).toBe(false);
  live = false;
  await vi.advanceTimersByTimeAsync(EMPTY_MS);
  expect(room.closed).toBe(true);
});

test('closing a room that is being made waits for it', async () => {
  const opening = registry.getOrCreate('demo');
  await registry.close('demo');
  expect((await opening).closed).toBe(true);
  expect(registry.list()).toEqual([]);
  await registry.close('nobody');
});

test('refuses when closed, and its rooms close with it', async () => {
  const room = await registry.getOrCreate('demo');
  const opening = registry.getOrCreate('other');
  opening.catch(() => {});
  await registry.closeAll('shutting-down');
  expect(room.closed).toBe(true);
  await expect(opening).rejects.toMatchObject({ code: 'shutting-down' });
  await expect(registry.getOrCreate('demo')).rejects.toMatchObject({ code: 'shutting-down' });
  expect(registry.list()).toEqual([]);
});

test('a scene waits for its room, outlives it, and is forgotten when the room is closed on purpose', async () => {
  const scene = Scene.parse({ background: '#ff0000' });
  expect(registry.setScene('demo', scene, 1).version).toBe(2);
  expect(registry.get('demo')).toBeUndefined();
  const room = await registry.getOrCreate('demo');
  expect(room.scene).toEqual({ version: 2, scene });
  await vi.advanceTimersByTimeAsync(EMPTY_MS);
  expect(room.closed).toBe(true);
  expect((await registry.getOrCreate('demo')).scene.version).toBe(2);
  await registry.close('demo');
  expect(registry.scenes.get('demo').version).toBe(1);
});
