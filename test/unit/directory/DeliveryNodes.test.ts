import { expect, test } from 'vitest';
import { MOVES_SINCE } from '../../../src/contracts/protocol.ts';
import { DeliveryNodes } from '../../../src/directory/DeliveryNodes.ts';
import type { NodeInfo } from '../../../src/directory/entries.ts';
import { MemoryDirectory } from '../../../src/directory/MemoryDirectory.ts';
import { MemoryStore } from '../../../src/directory/MemoryStore.ts';

const info = (url: string, role: NodeInfo['role'] = 'delivery', load = 0): NodeInfo => ({
  ...{ role, url, load, capacity: null, version: '1', protocol: MOVES_SINCE, draining: false },
});

test('delivery nodes come and go; others are of no interest, nor is how much they have', async () => {
  const store = new MemoryStore();
  const [sfu, one, two] = ['http://s', 'http://one', 'http://two'].map((node) => new MemoryDirectory({ store, node }));
  await one?.announce(info('http://one'));
  const nodes = await DeliveryNodes.announced(sfu as MemoryDirectory);
  const seen: string[] = [];
  nodes.on('added', (url) => seen.push(`+${url}`)).on('removed', (url) => seen.push(`-${url}`));
  expect(nodes.urls).toEqual(['http://one']);
  const announcement = await two?.announce(info('http://two'));
  announcement?.update({ load: 3, draining: true });
  await sfu?.announce(info('http://s', 'sfu'));
  await one?.close();
  expect(nodes.urls).toEqual(['http://two']);
  expect((await DeliveryNodes.announced(two as MemoryDirectory)).urls).toEqual([]);
  expect(seen).toEqual(['+http://two', '-http://one']);
  await Promise.all([sfu, two].map((directory) => directory?.close()));
});

test('a configured one is the only one', () => {
  expect(DeliveryNodes.fixed('http://d/').urls).toEqual(['http://d']);
});

test('a broadcast goes to the emptiest that does not drain, and from one that goes to the emptiest of those that know how', async () => {
  const store = new MemoryStore();
  const node = (url: string) => new MemoryDirectory({ store, node: url });
  const [sfu, full, empty, draining] = ['http://s', 'http://full', 'http://empty', 'http://draining'].map(node);
  const old = node('http://old');
  await full?.announce(info('http://full', 'delivery', 5));
  await empty?.announce(info('http://empty', 'delivery', 1));
  await draining?.announce({ ...info('http://draining'), draining: true });
  expect(await sfu?.delivery('bone')).toBe('http://empty');
  await old.announce({ ...info('http://old'), protocol: MOVES_SINCE - 1 });
  expect(await sfu?.delivery('btwo')).toBe('http://old');
  expect(await sfu?.deliveryInsteadOf('http://empty')).toBe('http://full');
  await full?.close();
  await expect(sfu?.deliveryInsteadOf('http://empty')).rejects.toMatchObject({ code: 'no-capacity' });
  await Promise.all([sfu, empty, draining, old].map((directory) => directory?.close()));
  const configured = new MemoryDirectory({ delivery: () => 'http://d' });
  await expect(configured.deliveryInsteadOf('http://d')).rejects.toMatchObject({ code: 'no-capacity' });
  await configured.close();
});

test('a broadcast stays where it is, whoever asks, and is where it was moved to', async () => {
  const store = new MemoryStore();
  const node = (url: string) => new MemoryDirectory({ store, node: url });
  const [sfu, another, one, two] = ['http://s', 'http://t', 'http://one', 'http://two'].map(node);
  await one?.announce(info('http://one', 'delivery', 5));
  await two?.announce(info('http://two', 'delivery', 9));
  expect(await sfu?.delivery('bmoved0000')).toBe('http://one');
  const at = (url: string) => ({ url, room: 'demo', epoch: 1_000 });
  await two?.hold('playback', 'bmoved0000', at('http://two'), 7);
  expect(await sfu?.delivery('bmoved0000')).toBe('http://two');
  expect(await another?.delivery('bmoved0000')).toBe('http://two');
  await Promise.all([sfu, another, one, two].map((directory) => directory?.close()));
});
