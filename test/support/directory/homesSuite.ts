/** What RoomHomes does over every directory: in memory (test/unit/directory) and in Redis (test/integration/redisDirectory.test.ts). */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RoomHomes } from '../../../src/directory/RoomHomes.ts';
import { untilView } from './events.ts';
import type { FleetRig, RigNode } from './FleetRig.ts';

const logger = pino({ level: 'silent' });

export function homesSuite(makeRig: () => Promise<FleetRig>): void {
  let rig: FleetRig;
  let nodes: Record<'a' | 'b', RigNode>;
  let a: RoomHomes;
  let b: RoomHomes;
  beforeEach(async () => {
    rig = await makeRig();
    const [one, two] = await Promise.all([rig.node('http://a'), rig.node('http://b')]);
    nodes = { a: one, b: two };
    a = await RoomHomes.create({ directory: one.directory, logger });
    b = await RoomHomes.create({ directory: two.directory, logger });
  });
  afterEach(() => rig.close());

  const [onA, onB] = [
    { url: 'http://a', own: true },
    { url: 'http://b', own: true },
  ];
  const seen = (homes: RoomHomes, event: 'acquired' | 'lost'): string[] => {
    const rooms: string[] = [];
    homes.on(event, (room) => rooms.push(room));
    return rooms;
  };
  /** Resolves as soon as the node's own view has, or has not, the room. */
  async function untilKnown(node: RigNode, room: string, known: boolean): Promise<void> {
    await untilView(await node.directory.watch('room'), (entries) => entries.some(({ id }) => id === room) === known);
  }

  describe('homes of rooms', () => {
    test('who asks first is its home, and the others are told where it is', async () => {
      const acquired = seen(a, 'acquired');
      expect(await a.homeOf('r')).toEqual(onA);
      expect(await b.homeOf('r')).toEqual({ ...onA, own: false });
      expect(await a.homeOf('r')).toEqual(onA);
      expect([a.isOwn('r'), b.isOwn('r'), a.own, acquired]).toEqual([true, false, ['r'], ['r']]);
      expect([a.fenceOf('r'), b.fenceOf('r')]).toEqual([expect.any(Number), null]);
    });

    test('of many who ask at the same time one is the home, and hears of it once', async () => {
      const acquired = [seen(a, 'acquired'), seen(b, 'acquired')];
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 ? a : b).homeOf('r')));
      expect(new Set(answers.map((home) => home?.url)).size).toBe(1);
      expect(acquired.flat()).toEqual(['r']);
      expect([a.isOwn('r'), b.isOwn('r')].filter(Boolean)).toHaveLength(1);
    });

    test('who only looks claims nothing', async () => {
      expect(await a.homeOf('r', { claim: false })).toBeNull();
      expect(await b.homeOf('r', { claim: false })).toBeNull();
      await b.homeOf('r');
      expect(await a.homeOf('r', { claim: false })).toEqual({ ...onB, own: false });
    });

    test('a room that is released may be at home elsewhere, with a higher fence', async () => {
      await a.homeOf('r');
      const before = a.fenceOf('r') ?? 0;
      await untilKnown(nodes.b, 'r', true);
      await a.release('r');
      await a.release('r');
      await untilKnown(nodes.b, 'r', false);
      expect(await b.homeOf('r')).toEqual(onB);
      expect(b.fenceOf('r')).toBeGreaterThan(before);
      expect(a.isOwn('r')).toBe(false);
    });

    test('who drains gives all back, and claims nothing more', async () => {
      await Promise.all(['r1', 'r2'].map((room) => a.homeOf(room)));
      const claiming = a.homeOf('r3');
      await a.drain();
      expect(await claiming).toBeNull();
      await Promise.all(['r1', 'r2'].map((room) => untilKnown(nodes.b, room, false)));
      expect([a.draining, a.own, await a.homeOf('r1')]).toEqual([true, [], null]);
      expect(await b.homeOf('r1')).toEqual(onB);
      expect(await a.homeOf('r1')).toEqual({ ...onB, own: false });
    });

    test('who is cut off and back too late hears that its room was lost', async () => {
      const lost = new Promise<string>((resolve) => a.once('lost', resolve));
      await a.homeOf('r');
      await untilKnown(nodes.b, 'r', true);
      nodes.a.cut();
      expect(await a.homeOf('r')).toEqual(onA);
      await untilKnown(nodes.b, 'r', false);
      expect(await b.homeOf('r')).toEqual(onB);
      nodes.a.mend();
      expect(await lost).toBe('r');
      expect(a.isOwn('r')).toBe(false);
    });

    test('while the directory is away, what is known is believed, and what is not can not be claimed', async () => {
      await a.homeOf('r');
      await untilKnown(nodes.b, 'r', true);
      nodes.b.cut();
      expect(await b.homeOf('r')).toEqual({ ...onA, own: false });
      await expect(b.homeOf('other')).rejects.toMatchObject({ code: 'directory-unavailable' });
    });
  });
}
