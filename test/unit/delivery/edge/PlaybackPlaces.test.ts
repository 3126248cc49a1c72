import { afterEach, beforeEach, expect, test } from 'vitest';
import { PlaybackPlaces } from '../../../../src/delivery/edge/PlaybackPlaces.ts';
import { MemoryDirectory } from '../../../../src/directory/MemoryDirectory.ts';
import { MemoryStore } from '../../../../src/directory/MemoryStore.ts';

let directories: MemoryDirectory[];
let a: PlaybackPlaces;
let b: PlaybackPlaces;

beforeEach(async () => {
  const store = new MemoryStore();
  directories = ['http://a', 'http://b'].map((node) => new MemoryDirectory({ store, node }));
  [a, b] = (await Promise.all(directories.map((d) => PlaybackPlaces.create(d, d.node)))) as [
    PlaybackPlaces,
    PlaybackPlaces,
  ];
});
afterEach(() => Promise.all(directories.map((directory) => directory.close())));

const place = (id: string, epoch: number, fence = 1) => ({ id, room: 'demo', epoch, fence });

test('a broadcast is where it is, also when it is over; the room is where its newest one is', async () => {
  a.hold(place('bolder0000', 1_000));
  b.hold(place('bnewer0000', 2_000));
  await expect.poll(() => a.ownerOf('demo')).toBe('http://b');
  expect(b.ownerOf('demo')).toBeNull();
  expect(b.ownerOf('demo', 'bolder0000')).toBe('http://a');
  expect(b.ownerOf('other', 'bolder0000')).toBeNull();
  expect(a.ownerOf('nobody')).toBeNull();
});

test('of two that have it the one with the higher fence has it: a move leaves no moment without one', async () => {
  a.hold(place('bmoved0000', 1_000, 5));
  await expect.poll(() => b.ownerOf('demo')).toBe('http://a');
  b.hold(place('bmoved0000', 1_000, 6));
  await expect.poll(() => a.ownerOf('demo')).toBe('http://b');
  a.release('bmoved0000');
  a.release('bmoved0000');
  expect(a.ownerOf('demo')).toBe('http://b');
});

test('what is forgotten is nowhere', async () => {
  a.hold(place('bforgotten', 1_000));
  await expect.poll(() => b.ownerOf('demo')).toBe('http://a');
  a.release('bforgotten');
  await expect.poll(() => b.ownerOf('demo')).toBeNull();
});
