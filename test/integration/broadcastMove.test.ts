/**
 * The controller's side of a move from one delivery node to another, where something comes in between: what agents and delivery nodes are told.
 * The move itself is DeliveryMove.test.ts's and delivery-move.test.ts's, the program's fleetDelivery.test.ts's.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RecordFiles } from '../../src/broadcast/record/RecordFiles.ts';
import { Secret } from '../../src/common/Secret.ts';
import { OLDEST_PROTOCOL, PROTOCOL } from '../../src/contracts/ids.ts';
import { MemoryDirectory } from '../../src/directory/MemoryDirectory.ts';
import { FakeAgent } from '../support/broadcast/FakeAgent.ts';
import { FakeDelivery } from '../support/broadcast/FakeDelivery.ts';
import { InternalServer } from '../support/broadcast/InternalServer.ts';
import { StudioRig } from '../support/broadcast/StudioRig.ts';

const ROOM = 'demo';
const WITHIN_MS = 60_000;

let dataDir: string;
const cleanup: (() => unknown)[] = [];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lianmai-move-'));
});
afterEach(async () => {
  for (const end of cleanup.splice(0).reverse()) await end();
  await rm(dataDir, { recursive: true, force: true });
});

/** Three delivery nodes, of which the first is the emptiest and the last the fullest, and an agent of this protocol. */
async function fleet({ protocol = PROTOCOL } = {}) {
  const agent = new FakeAgent();
  const agentServer = await InternalServer.listen({ '/control': agent });
  cleanup.push(() => agentServer.close());
  const agents = () => [{ url: agentServer.url, capacity: null, load: 0, draining: false, protocol }];
  const directory = new MemoryDirectory({ agents });
  cleanup.push(() => directory.close());
  const nodes = await Promise.all(
    ['a', 'b', 'c'].map(async (_, load) => {
      const delivery = new FakeDelivery();
      const { url, ...server } = await InternalServer.listen({ '/delivery': delivery });
      cleanup.push(
        () => server.server.close(),
        () => delivery.close(),
      );
      const info = { role: 'delivery', url, load, capacity: null, version: '1', protocol: PROTOCOL } as const;
      const announcement = await directory.announce({ ...info, draining: false });
      /** As a node does that is asked to end. */
      const drain = () => {
        announcement.update({ draining: true });
        delivery.report({ type: 'draining', withinMs: WITHIN_MS });
      };
      return { url, delivery, drain };
    }),
  );
  const [a, b, c] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]];
  const log: string[] = [];
  let told: () => void = () => undefined;
  const write = (line: string) => {
    log.push((JSON.parse(line) as { msg: string }).msg);
    told();
  };
  const said = async (msg: string): Promise<void> => {
    while (!log.includes(msg)) await new Promise<void>((resolve) => (told = resolve));
  };
  const records = await RecordFiles.create({
    ...{ dataDir, secrets: [new Secret('s'.repeat(32))], logger: pino({ level: 'silent' }) },
  });
  const rig = await StudioRig.create(agent, { directory, records, logger: pino({ level: 'debug' }, { write }) });
  cleanup.push(
    () => rig.close(),
    // Who is moved away from at the end is not waited for.
    () => {
      for (const { delivery } of nodes) delivery.report({ type: 'left' });
    },
  );
  return { agent, directory, a, b, c, rig, said };
}

/** From the one to the other, until the first is to close what it has. */
async function move(from: { url: string; delivery: FakeDelivery }, to: typeof from): Promise<void> {
  expect((await to.delivery.order('open')).movedFrom).toMatchObject({ url: from.url, arrived: false });
  to.delivery.report({ type: 'copied' });
  await from.delivery.order('yield');
  await to.delivery.order('take');
  to.delivery.report({ type: 'arrived' });
  expect(await from.delivery.order('moved')).toMatchObject({ url: to.url });
}

test('a node that goes before the one before has said goodbye: the broadcast goes on to the next', async () => {
  const { a, b, c, rig } = await fleet();
  await rig.start({ emptyGraceSeconds: 60 });
  a.drain();
  await move(a, b);
  b.drain();
  a.delivery.report({ type: 'left' });
  await move(b, c);
  c.delivery.cut();
  // It has come: a node that had forgotten it would not ask b, which has, too.
  expect((await c.delivery.order('open', 2)).movedFrom).toMatchObject({ url: b.url, arrived: true });
});

test('a node that says with its first words that it goes, as to who has taken the broadcast over from another SFU node', async () => {
  const { a, b, rig } = await fleet();
  const opened = a.delivery.order('open').then(a.drain);
  await rig.start({ emptyGraceSeconds: 60 });
  await opened;
  await move(a, b);
});

test('a compositor of the version before can not put to two nodes: the broadcast stays, and no other node hears of it', async () => {
  const { a, b, c, rig, said } = await fleet({ protocol: OLDEST_PROTOCOL });
  await rig.start({ emptyGraceSeconds: 60 });
  a.drain();
  await said('the broadcast could not be moved to another delivery node');
  expect([...b.delivery.orders, ...c.delivery.orders, ...a.delivery.all('yield')]).toEqual([]);
});

test('one that came from another process, and has no delivery node here yet, is handed on and not ended', async () => {
  const { directory, rig } = await fleet();
  const { id } = await rig.start({ emptyGraceSeconds: 60 });
  await rig.broadcasts.letGo(ROOM);
  let asked: () => void = () => undefined;
  const isAsked = new Promise<void>((resolve) => (asked = resolve));
  let answer: (url: string) => void = () => undefined;
  directory.delivery = () => {
    asked();
    return new Promise((resolve) => (answer = resolve));
  };
  const { room } = rig;
  await rig.broadcasts.resume({ getOrCreate: async () => room, restoreScene: () => undefined });
  await isAsked;
  const gone = rig.broadcasts.handOn();
  answer('http://127.0.0.1:1');
  await gone;
  expect(rig.statuses.filter(({ state }) => state === 'ending' || state === 'ended')).toEqual([]);
  expect([rig.broadcasts.isLive(ROOM), rig.broadcasts.status(ROOM)]).toEqual([false, null]);
  expect(await directory.find('record', id)).toMatchObject({ data: { room: ROOM } });
});
