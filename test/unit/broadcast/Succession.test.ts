/** Who goes on with the broadcasts of a node that died or handed them on. That they then run is heirs.test.ts's. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Ownership } from '../../../src/broadcast/record/Ownership.ts';
import { inheritedFrom } from '../../../src/broadcast/record/resumed.ts';
import { type Orphan, Succession } from '../../../src/broadcast/Succession.ts';
import { TypedEmitter } from '../../../src/common/TypedEmitter.ts';
import type { Entry } from '../../../src/directory/entries.ts';
import { MemoryStore } from '../../../src/directory/MemoryStore.ts';
import { RoomHomes } from '../../../src/directory/RoomHomes.ts';
import { SharedDirectory } from '../../../src/directory/SharedDirectory.ts';
import { CutStore } from '../../support/directory/FleetRig.ts';
import { fleetRecord, pendingStart } from '../../support/directory/fleetRecord.ts';

/** Who is not cut off must not lose a lease where the machine stands still for a moment, ms. */
const TTL_MS = 1_000;
const logger = pino({ level: 'silent' });

let store: MemoryStore;
const closing: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  store = new MemoryStore({ ttlMs: TTL_MS });
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A node that only remembers what it has gone on with. `refuse`: it can not. */
async function sfu(name: string, { refuse = false } = {}) {
  const line = new CutStore(store);
  const directory = new SharedDirectory({ store: line, node: `http://${name}`, logger });
  const homes = await RoomHomes.create({ directory, logger });
  const has = new Set<string>();
  const inherited: { record: Orphan; owner: Ownership }[] = [];
  const told = new TypedEmitter<{ asked: []; inherited: [] }>();
  closing.push(() => directory.close());
  const succession = await Succession.create({
    ...{ directory, homes, logger },
    has: (id) => has.has(id),
    goOn: async (record, owner) => {
      told.emit('asked');
      if (refuse) throw new Error('no room is to be had');
      has.add(record.id);
      inherited.push({ record, owner });
      told.emit('inherited');
    },
  });
  closing.push(() => succession.close());
  return { line, directory, homes, has, inherited, told, succession };
}
type Sfu = Awaited<ReturnType<typeof sfu>>;

const once = ({ told }: Sfu, event: 'asked' | 'inherited'): Promise<void> =>
  new Promise((resolve) => told.once(event, resolve));

/** What a node has that controls a broadcast. */
async function broadcastOf(node: Sfu, room = 'r') {
  await node.homes.homeOf(room);
  const record = fleetRecord({ room });
  node.has.add(record.id);
  const owner = await Ownership.claim({ directory: node.directory, logger }, { id: record.id, room });
  let programMs = 0;
  await owner.keep(record, () => programMs);
  return { record, owner, tick: (ms: number) => (programMs = ms) };
}

describe('a broadcast whose node died', () => {
  test('is gone on with by exactly one other, with a higher fence, and with the clock that was heard of last', async () => {
    const [a, b, c] = [await sfu('a'), await sfu('b'), await sfu('c')];
    const { record, owner, tick } = await broadcastOf(a);
    tick(12_345);
    await a.directory.round();
    a.line.cut();
    const first = await Promise.race([b, c].map((node) => once(node, 'inherited').then(() => node)));
    const [heir, other] = first === b ? [b, c] : [c, b];
    const [found] = heir.inherited;
    expect(found?.record.data).toEqual(record);
    expect(found?.owner.fence).toBeGreaterThan(owner.fence);
    expect(found?.record.beat?.programMs).toBe(12_345);
    // It was dead for a lease's life at least, by the directory's clock.
    const resumed = inheritedFrom(found?.record as Entry<'record'>, { wallMs: 0, clockMs: 100_000 });
    expect(resumed.silentMs).toBeGreaterThanOrEqual(TTL_MS);
    expect(resumed.program.startMs).toBeCloseTo(100_000 - 12_345 - resumed.silentMs, 3);
    expect([resumed.heardMs, resumed.failures]).toEqual([12_345, 1]);
    expect(heir.homes.isOwn('r')).toBe(true);
    expect([other.inherited, other.homes.isOwn('r')]).toEqual([[], false]);
  });

  test('its node is told when it is back that it has it no more, and writes nothing over what the heir wrote', async () => {
    const [a, b] = [await sfu('a'), await sfu('b')];
    const { record, owner } = await broadcastOf(a);
    const lost = new Promise<void>((resolve) => owner.once('lost', resolve));
    a.line.cut();
    await once(b, 'inherited');
    await b.inherited[0]?.owner.keep({ ...record, fence: record.fence + 7 }, () => 0);
    a.line.mend();
    await lost;
    expect(owner.held).toBe(false);
    await owner.keep({ ...record, fence: record.fence + 1 }, () => 0);
    await owner.handOn();
    expect((await b.directory.find('record', record.id))?.data.fence).toBe(record.fence + 7);
    expect((await b.directory.find('broadcast', record.id))?.holder).toBe('http://b');
  });

  test('who can not go on with it leaves it to others', async () => {
    const [a, b] = [await sfu('a'), await sfu('b', { refuse: true })];
    const { record } = await broadcastOf(a);
    a.line.cut();
    await once(b, 'asked');
    await b.homes.drain();
    const c = await sfu('c');
    await once(c, 'inherited');
    expect((await c.directory.find('broadcast', record.id))?.holder).toBe('http://c');
  });

  test('a process before us of our own name was ours', async () => {
    const a = await sfu('a');
    const { record } = await broadcastOf(a);
    a.line.cut();
    const again = await sfu('a');
    await once(again, 'inherited');
    expect(again.inherited[0]?.record.id).toBe(record.id);
  });

  test('who starts one in its room waits until it is known who has it', async () => {
    const [a, b] = [await sfu('a'), await sfu('b')];
    await broadcastOf(a);
    a.line.cut();
    await b.succession.settled('r');
    expect(b.inherited).toHaveLength(1);
    await b.succession.settled('another');
  });
});

describe('a broadcast that is handed on', () => {
  test('is gone on with as soon as its room has another home', async () => {
    const [a, b] = [await sfu('a'), await sfu('b')];
    const { record, owner, tick } = await broadcastOf(a);
    tick(777);
    const inherited = once(b, 'inherited');
    a.homes.stopClaiming();
    await owner.handOn();
    await a.homes.drain();
    await inherited;
    const [found] = b.inherited;
    expect(found?.record.data).toEqual({ ...record, handedOn: true });
    expect(found?.record.beat?.programMs).toBe(777);
    // However often that is in a minute, nobody has died of it.
    expect(inheritedFrom(found?.record as Entry<'record'>, { wallMs: 0, clockMs: 0 }).failures).toBe(0);
    expect(a.inherited).toEqual([]);
  });

  test('one that has ended is not there any more', async () => {
    const [a, b] = [await sfu('a'), await sfu('b')];
    const { record, owner } = await broadcastOf(a);
    await owner.end();
    await a.homes.drain();
    expect(await b.directory.find('record', record.id)).toBeNull();
    expect(await b.directory.find('broadcast', record.id)).toBeNull();
    await b.succession.settled('r');
    expect(b.inherited).toEqual([]);
  });
});

describe('a node that comes back with what it had on its disk', () => {
  test('has it still when nobody else had it', async () => {
    const a = await sfu('a');
    const { record, owner } = await broadcastOf(a);
    const again = new SharedDirectory({ store, node: 'http://a', logger });
    closing.push(() => again.close());
    const of = { id: record.id, room: 'r' };
    const resumed = await Ownership.resume({ directory: again, logger }, of, owner.fence);
    expect(resumed?.fence).toBe(owner.fence);
  });

  test('has it no more when another had it, even when that one has ended it', async () => {
    const [a, b] = [await sfu('a'), await sfu('b')];
    const { record, owner } = await broadcastOf(a);
    a.line.cut();
    await once(b, 'inherited');
    const again = new SharedDirectory({ store, node: 'http://a', logger });
    closing.push(() => again.close());
    const resume = () => Ownership.resume({ directory: again, logger }, { id: record.id, room: 'r' }, owner.fence);
    expect(await resume()).toBeUndefined();
    await b.inherited[0]?.owner.end();
    expect(await resume()).toBeUndefined();
  });
});

describe('a broadcast that only waits to start', () => {
  /** What a node has whose start found no compositor. */
  async function waitingAt(node: Sfu) {
    await node.homes.homeOf('r');
    const pending = pendingStart();
    node.has.add(pending.id);
    const owner = await Ownership.claim({ directory: node.directory, logger }, { id: pending.id, room: 'r' });
    await owner.wait(pending);
    return { pending, owner };
  }

  test('is taken up by one other when its node dies, with its place in the queue', async () => {
    const [a, b, c] = [await sfu('a'), await sfu('b'), await sfu('c')];
    const { pending, owner } = await waitingAt(a);
    a.line.cut();
    const heir = await Promise.race([b, c].map((node) => once(node, 'inherited').then(() => node)));
    const other = heir === b ? c : b;
    expect(heir.inherited).toMatchObject([{ record: { kind: 'pending', data: pending } }]);
    expect(heir.inherited[0]?.owner.fence).toBeGreaterThan(owner.fence);
    expect([heir.homes.isOwn('r'), other.inherited]).toEqual([true, []]);
    // Who starts one in its room is given that one.
    await heir.succession.settled('r');
  });

  test('is handed on with its room', async () => {
    const [a, b] = [await sfu('a'), await sfu('b')];
    const { pending, owner } = await waitingAt(a);
    const inherited = once(b, 'inherited');
    a.homes.stopClaiming();
    await owner.handOn();
    await a.homes.drain();
    await inherited;
    expect(b.inherited).toMatchObject([{ record: { kind: 'pending', data: pending } }]);
  });

  test('when it starts, its record is what is gone on with', async () => {
    const [a, b] = [await sfu('a'), await sfu('b')];
    const { pending, owner } = await waitingAt(a);
    await owner.keep(fleetRecord({ id: pending.id, room: 'r' }), () => 0);
    await owner.wait(pending);
    expect(await b.directory.find('pending', pending.id)).toBeNull();
    a.line.cut();
    await once(b, 'inherited');
    expect(b.inherited).toMatchObject([{ record: { kind: 'record', id: pending.id } }]);
  });

  test('one that was given up is not there any more', async () => {
    const [a, b] = [await sfu('a'), await sfu('b')];
    const { pending, owner } = await waitingAt(a);
    await owner.end();
    expect(await b.directory.find('pending', pending.id)).toBeNull();
    await b.succession.settled('r');
    expect(b.inherited).toEqual([]);
  });
});

test('refuses when closed: it goes on with nothing any more', async () => {
  const [a, b] = [await sfu('a'), await sfu('b')];
  const { owner } = await broadcastOf(a);
  await b.succession.close();
  await b.succession.close();
  await a.succession.close();
  await owner.handOn();
  await a.homes.drain();
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(b.inherited).toEqual([]);
  await expect(b.succession.settled('r')).rejects.toMatchObject({ code: 'wrong-node' });
});
