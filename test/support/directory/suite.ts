/** What every directory does: in memory (test/unit/directory) and in Redis (test/integration/redisDirectory.test.ts). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PROTOCOL } from '../../../src/contracts/ids.ts';
import type { EntryKind, NodeInfo } from '../../../src/directory/entries.ts';
import type { Lease } from '../../../src/directory/Lease.ts';
import { untilLost, untilView } from './events.ts';
import type { FleetRig, RigNode } from './FleetRig.ts';
import { fleetRecord } from './fleetRecord.ts';

const agentInfo = (url: string, more: Partial<NodeInfo> = {}): NodeInfo => ({
  ...{ role: 'compositor', url, capacity: 4, load: 0, version: '1.2.3', protocol: PROTOCOL, draining: false },
  ...more,
});

export function directorySuite(makeRig: () => Promise<FleetRig>): void {
  let rig: FleetRig;
  let a: RigNode;
  let b: RigNode;
  beforeEach(async () => {
    rig = await makeRig();
    [a, b] = await Promise.all([rig.node('http://a'), rig.node('http://b')]);
  });
  afterEach(() => rig.close());

  const home = { url: 'http://a' };
  /** `node` gets the room, or the test fails. */
  async function roomOf(node: RigNode, id = 'r'): Promise<Lease<'room'>> {
    const { lease } = await node.directory.claim('room', id, { url: node.directory.node });
    if (!lease) throw new Error('somebody else has it');
    return lease;
  }

  describe('leases and fences', () => {
    test('a room has one home: the second who asks is told who has it', async () => {
      const lease = await roomOf(a);
      const { holder } = await b.directory.claim('room', 'r', { url: 'http://b' });
      expect(holder).toMatchObject({ kind: 'room', id: 'r', holder: 'http://a', fence: lease.fence, data: home });
      expect(await b.directory.find('room', 'r')).toMatchObject({ holder: 'http://a', data: home });
      expect(await b.directory.find('room', 'other')).toBeNull();
    });

    test('of many who ask at the same time exactly one gets it', async () => {
      const asked = Array.from({ length: 20 }, (_, n) => (n % 2 ? a : b).directory.claim('room', 'r', home));
      const claims = await Promise.all(asked);
      const leases = new Set(claims.flatMap(({ lease }) => lease ?? []));
      expect(leases.size).toBe(1);
      const fences = claims.map(({ lease, holder }) => lease?.fence ?? holder?.fence);
      expect(new Set(fences).size).toBe(1);
    });

    test('a fence is at least the time in ms, and each is higher than all before it, whatever it is for', async () => {
      const before = Date.now();
      const fences: number[] = [];
      for (let n = 0; n < 50; n++) {
        const lease = await roomOf(n % 2 ? a : b, n % 3 ? 'r' : `r${n}`);
        fences.push(lease.fence);
        await lease.release();
      }
      expect(fences[0]).toBeGreaterThanOrEqual(before - 1);
      expect(fences).toEqual([...new Set(fences)].sort((x, y) => x - y));
    });

    test('a fence that was shown by an owner is not fallen short of', async () => {
      const ahead = Date.now() + 3_600_000;
      await a.directory.hold('room', 'old', home, ahead);
      const lease = await roomOf(b, 'new');
      expect(lease.fence).toBe(ahead + 1);
    });

    test('what is given back may be had by another at once, with a higher fence; giving back twice does nothing', async () => {
      const first = await roomOf(a);
      await first.release();
      await first.release();
      expect(first.state).toBe('released');
      const second = await roomOf(b);
      expect(second.fence).toBeGreaterThan(first.fence);
      await first.release();
      expect(await a.directory.find('room', 'r')).toMatchObject({ holder: 'http://b' });
    });

    test('who asks again for what it has gets the same lease', async () => {
      const lease = await roomOf(a);
      expect(await roomOf(a)).toBe(lease);
    });

    test('a lease that is renewed outlives its time', async () => {
      const lease = await roomOf(a);
      const view = await b.directory.watch('room');
      const gone: string[] = [];
      view.on('gone', ({ id }) => gone.push(id));
      // Another node's entry that is not renewed shows that the time has passed.
      const c = await rig.node('http://c');
      await roomOf(c, 'dies');
      await untilView(view, (entries) => entries.length === 2);
      c.cut();
      await untilView(view, (entries) => entries.length === 1);
      expect(gone).toEqual(['dies']);
      expect(lease.state).toBe('held');
      expect(await b.directory.find('room', 'r')).toMatchObject({ fence: lease.fence });
    });

    test('of two of one node the one with the higher fence counts, and the same fence is the same lease', async () => {
      const lease = await roomOf(a);
      expect((await a.directory.hold('room', 'r', home, lease.fence - 1)).state).toBe('lost');
      expect(await a.directory.hold('room', 'r', { url: 'http://x' }, lease.fence)).toBe(lease);
      expect(await b.directory.find('room', 'r')).toMatchObject({ fence: lease.fence, data: { url: 'http://x' } });
      const next = await a.directory.hold('room', 'r', home, lease.fence + 1);
      expect([lease.state, next.state]).toEqual(['lost', 'held']);
    });

    test('what carries other data keeps its fence', async () => {
      const lease = await roomOf(a);
      expect(await lease.update({ url: 'http://elsewhere' })).toBe(true);
      expect(await b.directory.find('room', 'r')).toMatchObject({
        fence: lease.fence,
        data: { url: 'http://elsewhere' },
      });
    });
  });

  describe('two who both believe that they own it', () => {
    test('are told apart by the fence; the lower one is told that it has lost, by whom', async () => {
      const old = await roomOf(a);
      const view = await b.directory.watch('room');
      a.cut();
      await untilView(view, (entries) => entries.length === 0);
      const next = await roomOf(b);
      expect(next.fence).toBeGreaterThan(old.fence);
      // Nobody can have told it yet, and a directory that is away takes nothing from anybody.
      expect(old.state).toBe('held');
      const lost = untilLost(old);
      a.mend();
      expect(await lost).toEqual({ holder: 'http://b', fence: next.fence });
      expect(old.state).toBe('lost');
      expect([next.state, await old.update(home)]).toEqual(['held', false]);
    });

    test('the lower one is told at once, without a round of renewal', async () => {
      const old = await roomOf(a);
      const lost = untilLost(old);
      const next = await b.directory.hold('room', 'r', { url: 'http://b' }, old.fence + 1);
      expect(await lost).toEqual({ holder: 'http://b', fence: next.fence });
    });

    test('one who comes with a lower fence has lost at once', async () => {
      const lease = await roomOf(a);
      const old = await b.directory.hold('room', 'r', { url: 'http://b' }, lease.fence - 1);
      expect([old.state, lease.state]).toEqual(['lost', 'held']);
    });

    test('a fence that was given back does not let a lower one in again', async () => {
      const old = await roomOf(a);
      const view = await b.directory.watch('room');
      a.cut();
      await untilView(view, (entries) => entries.length === 0);
      const between = await roomOf(b);
      await between.release();
      const lost = untilLost(old);
      a.mend();
      expect(await lost).toEqual({ holder: '', fence: between.fence });
    });

    test('one who was away while nobody asked has it still', async () => {
      const lease = await roomOf(a);
      const view = await b.directory.watch('room');
      a.cut();
      await untilView(view, (entries) => entries.length === 0);
      expect(lease.state).toBe('held');
      a.mend();
      await untilView(view, ([entry]) => entry?.fence === lease.fence);
      expect(lease.state).toBe('held');
    });
  });

  describe('watching', () => {
    test('what is there, what comes, changes and goes, in order and without asking', async () => {
      const first = await roomOf(a, 'first');
      const view = await b.directory.watch('room');
      expect(view.entries.map(({ id, holder }) => [id, holder])).toEqual([['first', 'http://a']]);
      const seen: string[] = [];
      view.on('changed', ({ id, data }) => seen.push(`${id} ${data.url}`));
      view.on('gone', ({ id }) => seen.push(`${id} gone`));
      const second = await roomOf(a, 'second');
      await second.update({ url: 'http://x' });
      await first.release();
      await second.release();
      await untilView(view, (entries) => entries.length === 0);
      expect(seen).toEqual(['second http://a', 'second http://x', 'first gone', 'second gone']);
    });

    test('of one kind only', async () => {
      const view = await b.directory.watch('room');
      await a.directory.claim('leader', 'pods', home);
      await roomOf(a);
      await untilView(view, (entries) => entries.length > 0);
      expect(view.entries.map(({ kind }) => kind)).toEqual(['room']);
    });

    test('an expired lease is noticed soon after its time, though nobody asks', async () => {
      const view = await b.directory.watch('room');
      await roomOf(a);
      await untilView(view, (entries) => entries.length === 1);
      const cutAt = performance.now();
      a.cut();
      await untilView(view, (entries) => entries.length === 0);
      const tookMs = performance.now() - cutAt;
      // It was renewed at most a third of its life before the cut. Above: a busy machine's scheduling.
      expect(tookMs).toBeGreaterThan(rig.ttlMs / 2);
      expect(tookMs).toBeLessThan(rig.ttlMs + 1_000);
    });

    test('what was missed while away is made up for', async () => {
      const view = await b.directory.watch('room');
      const early = await roomOf(a, 'early');
      await untilView(view, (entries) => entries.length === 1);
      b.cut();
      await early.release();
      await roomOf(a, 'late');
      expect(view.entries.map(({ id }) => id)).toEqual(['early']);
      b.mend();
      await untilView(view, ([entry]) => entry?.id === 'late');
      expect(view.entries).toHaveLength(1);
    });
  });

  describe('agents', () => {
    test('announce themselves with capacity, load, version, protocol number and draining, and say what changes', async () => {
      const announced = await a.directory.announce(agentInfo('http://a/'));
      const view = await b.directory.watch('node');
      await untilView(view, (entries) => entries.length === 1);
      expect(await b.directory.agents()).toEqual([
        { url: 'http://a', capacity: 4, load: 0, version: '1.2.3', protocol: PROTOCOL, draining: false },
      ]);
      announced.update({ load: 3 });
      announced.update({ draining: true });
      await untilView(view, ([entry]) => entry?.data.draining === true);
      expect(await b.directory.agents()).toMatchObject([{ load: 3, draining: true }]);
      await announced.close();
      await untilView(view, (entries) => entries.length === 0);
      expect(await b.directory.agents()).toEqual([]);
    });

    test('one that dies is not asked any more', async () => {
      await a.directory.announce(agentInfo('http://a'));
      const view = await b.directory.watch('node');
      await untilView(view, (entries) => entries.length === 1);
      a.cut();
      await untilView(view, (entries) => entries.length === 0);
      expect(await b.directory.agents()).toEqual([]);
    });

    test('are those that speak a protocol that we understand, and no other roles', async () => {
      await a.directory.announce(agentInfo('http://next', { protocol: PROTOCOL + 1 }));
      await a.directory.announce(agentInfo('http://far', { protocol: PROTOCOL + 2 }));
      await a.directory.announce(agentInfo('http://sfu', { role: 'sfu' }));
      const view = await b.directory.watch('node');
      await untilView(view, (entries) => entries.length === 3);
      expect((await b.directory.agents()).map(({ url }) => url)).toEqual(['http://next']);
    });

    test('what was placed on one counts before it says so itself', async () => {
      await a.directory.announce(agentInfo('http://a', { load: 1 }));
      const view = await b.directory.watch('node');
      await untilView(view, (entries) => entries.length === 1);
      await b.directory.placed('http://a', 'c1');
      expect(await b.directory.agents()).toMatchObject([{ load: 1 }]);
      await b.directory.placed('http://a', 'c2');
      expect(await b.directory.agents()).toMatchObject([{ load: 2 }]);
      await b.directory.released('c1');
      await b.directory.released('c2');
      expect(await b.directory.agents()).toMatchObject([{ load: 1 }]);
    });

    test('a process that follows under the same name is announced at once, and the one before hears of it', async () => {
      await a.directory.announce(agentInfo('http://a', { version: '1' }));
      const again = await rig.node('http://a');
      const view = await b.directory.watch('node');
      await again.directory.announce(agentInfo('http://a', { version: '2' }));
      await untilView(view, ([entry]) => entry?.data.version === '2');
      expect(view.entries).toHaveLength(1);
    });
  });

  describe('delivery nodes', () => {
    test('the emptiest that does not drain is chosen, and stays', async () => {
      await expect(b.directory.delivery('b0')).rejects.toMatchObject({ code: 'no-capacity' });
      const far = await a.directory.announce(agentInfo('http://d1', { role: 'delivery', load: 2 }));
      await a.directory.announce(agentInfo('http://d2', { role: 'delivery', load: 1 }));
      await a.directory.announce(agentInfo('http://d3', { role: 'delivery', draining: true }));
      const view = await b.directory.watch('node');
      await untilView(view, (entries) => entries.length === 3);
      expect(await b.directory.delivery('b1')).toBe('http://d2');
      far.update({ load: 0 });
      await untilView(view, (entries) => entries.some(({ data }) => data.url === 'http://d1' && data.load === 0));
      expect(await b.directory.delivery('b1')).toBe('http://d2');
      expect(await b.directory.delivery('b2')).toBe('http://d1');
    });

    test('of a broadcast that another node had, the recorded one', async () => {
      const record = fleetRecord({ deliveryUrl: 'http://recorded' });
      await a.directory.hold('record', record.id, record, 1);
      expect(await b.directory.delivery(record.id)).toBe('http://recorded');
    });
  });

  describe('records of broadcasts', () => {
    test('one that is given back while the directory is away is gone when it is there again', async () => {
      const record = fleetRecord();
      const lease = await a.directory.hold('record', record.id, record, 7);
      const view = await b.directory.watch('record');
      await untilView(view, (entries) => entries.length === 1);
      a.cut();
      await lease.release();
      expect(await b.directory.find('record', record.id)).not.toBeNull();
      a.mend();
      await untilView(view, (entries) => entries.length === 0);
      expect(await b.directory.find('record', record.id)).toBeNull();
    });

    test('one that is held again meanwhile is not given back', async () => {
      const record = fleetRecord();
      const lease = await a.directory.hold('record', record.id, record, 7);
      a.cut();
      await lease.release();
      await a.directory.hold('record', record.id, { ...record, fence: 99 }, 7);
      const view = await b.directory.watch('record');
      a.mend();
      await untilView(view, (entries) => entries.some(({ data }) => data.fence === 99));
      expect(await b.directory.find('record', record.id)).toMatchObject({ holder: 'http://a', fence: 7 });
    });

    test('are there for others when hold() resolves, whole, with sealed destinations and the program clock', async () => {
      const record = fleetRecord();
      const beat = { programMs: 12_345.5, heldMs: 20_000 };
      await a.directory.hold('record', record.id, record, 7, { beat: () => beat });
      const found = await b.directory.find('record', record.id);
      expect(found).toMatchObject({ holder: 'http://a', fence: 7, data: record });
      // The clock comes with the first round of renewal, which no event tells of; another owner's change comes after it.
      const view = await b.directory.watch('room');
      const c = await rig.node('http://c');
      await roomOf(c, 'dies');
      await untilView(view, (entries) => entries.length === 1);
      c.cut();
      await untilView(view, (entries) => entries.length === 0);
      const later = await b.directory.find('record', record.id);
      expect(later?.beat).toMatchObject(beat);
      expect(later?.beat?.ageMs).toBeGreaterThanOrEqual(0);
      expect(later?.beat?.ageMs).toBeLessThan(rig.ttlMs);
    });

    test('outlive their owner, and are gone on with by a higher fence only', async () => {
      const record = fleetRecord();
      const old = await a.directory.hold('record', record.id, record, 7);
      await roomOf(a);
      const rooms = await b.directory.watch('room');
      a.cut();
      await untilView(rooms, (entries) => entries.length === 0);
      expect(await b.directory.find('record', record.id)).toMatchObject({ holder: 'http://a', fence: 7 });
      expect((await b.directory.hold('record', record.id, record, 6)).state).toBe('lost');
      const next = await b.directory.hold('record', record.id, { ...record, fence: 99 }, 8);
      const lost = untilLost(old);
      a.mend();
      expect(await lost).toEqual({ holder: 'http://b', fence: 8 });
      expect([next.state, (await a.directory.find('record', record.id))?.data.fence]).toEqual(['held', 99]);
    });

    test('one that was removed is not brought back by an owner of before', async () => {
      const record = fleetRecord();
      const lease = await b.directory.hold('record', record.id, record, 8);
      await lease.release();
      expect(await a.directory.find('record', record.id)).toBeNull();
      expect((await a.directory.hold('record', record.id, record, 7)).state).toBe('lost');
    });

    test('stay when their owner ends in order, and everything else is given back', async () => {
      const kinds: EntryKind[] = ['room', 'leader', 'stream-key', 'broadcast'];
      const record = fleetRecord();
      await a.directory.hold('record', record.id, record, 7);
      await roomOf(a);
      await a.directory.claim('leader', 'r', home);
      await a.directory.claim('stream-key', 'r', { broadcast: record.id });
      await a.directory.claim('broadcast', 'r', { ...home, room: 'r' });
      await a.directory.close();
      for (const kind of kinds) expect(await b.directory.find(kind, 'r'), kind).toBeNull();
      expect(await b.directory.find('record', record.id)).toMatchObject({ data: record });
    });
  });

  test('while the line is cut, asking fails with directory-unavailable, and what is held stays held and is told later', async () => {
    const lease = await roomOf(a);
    const view = await b.directory.watch('room');
    a.cut();
    await expect(a.directory.claim('room', 'other', home)).rejects.toMatchObject({ code: 'directory-unavailable' });
    await expect(a.directory.find('room', 'other')).rejects.toMatchObject({ code: 'directory-unavailable' });
    expect(await lease.update({ url: 'http://later' })).toBe(false);
    expect(lease.state).toBe('held');
    a.mend();
    await untilView(view, ([entry]) => entry?.data.url === 'http://later');
    expect(view.get('r')?.fence).toBe(lease.fence);
  });

  test('refuses when closed; closing twice does nothing', async () => {
    await a.directory.close();
    await a.directory.close();
    await expect(a.directory.claim('room', 'r', home)).rejects.toMatchObject({ code: 'shutting-down' });
    await expect(a.directory.hold('room', 'r', home, 1)).rejects.toMatchObject({ code: 'shutting-down' });
    await expect(a.directory.announce(agentInfo('http://a'))).rejects.toMatchObject({ code: 'shutting-down' });
  });
}
