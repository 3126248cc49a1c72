import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { DeliveryLink } from '../../../src/broadcast/DeliveryLink.ts';
import { moveDelivery } from '../../../src/broadcast/DeliveryMove.ts';
import { encoderFor, type Program, renditionsFor } from '../../../src/broadcast/jobs.ts';
import { BroadcastInput } from '../../../src/contracts/broadcast.ts';
import { Grid } from '../../../src/contracts/grid.ts';

const [A, B] = ['http://a', 'http://b'];
const program: Program = {
  ...{ broadcast: 'baaaaaaaaa', epoch: 0, startMs: 500, grid: Grid.parse({}), encoder: encoderFor('libx264', 1) },
  ...{ renditions: renditionsFor(BroadcastInput.parse({})), deliveryUrl: A, assetsUrl: null },
};

/** Both nodes say what they are to say when `says` does; what happens is in `log`. */
function rig(says: (node: 'a' | 'b', report: string) => Promise<void>, { oldCompositor = false } = {}) {
  const log: string[] = [];
  const link = (node: 'a' | 'b') =>
    ({
      next: (type: string) => says(node, type).then(() => void log.push(`${node} says ${type}`)),
      send: (order: object) => log.push(`to ${node}: ${JSON.stringify(order)}`),
      close: () => log.push(`${node} closed`),
    }) as unknown as DeliveryLink;
  const links = { a: link('a'), b: link('b') };
  const nameOf = (of: DeliveryLink) => (of === links.a ? 'a' : 'b');
  const controller = new AbortController();
  const moved = () =>
    moveDelivery({
      old: links.a,
      program: () => program,
      url: B,
      from: { url: A, fence: 9, copyMs: 1_000 },
      open: async () => links.b,
      exclusively: async (work) => {
        log.push('no handoff from here');
        const done = await work();
        log.push('handoffs again');
        return done;
      },
      checkCompositors: () => {
        if (oldCompositor) throw new Error('too old');
      },
      redirect: (to, { deliveryUrl, deliveryFrom }, k) =>
        void log.push(`compositors put to ${nameOf(to)} from ${k}: ${deliveryUrl} ${deliveryFrom}`),
      onArrived: (of) => void log.push(`${nameOf(of)} has it`),
      clock: { now: () => 10_600 },
      logger: pino({ level: 'silent' }),
      signal: controller.signal,
    });
  return { log, moved, links };
}

test('nothing changes until all is copied; destinations are closed when the other node has all, and it is left only then', async () => {
  const { log, moved, links } = rig(async () => {});
  expect(await moved()).toBe(links.b);
  // It is 10.1 s of program time: the segment at 12 s is the first that begins a second later.
  expect(log).toEqual([
    'b says copied',
    'no handoff from here',
    'to a: {"type":"yield","from":6}',
    'compositors put to b from 6: http://b 6',
    'b says arrived',
    'b has it',
    'handoffs again',
    'to a: {"type":"moved","url":"http://b"}',
    'a says left',
    'a closed',
  ]);
});

test('a node that can not copy is given up, and the old one has not noticed', async () => {
  const { log, moved } = rig(async (_, report) => {
    if (report === 'copied') throw new Error('lost');
  });
  await expect(moved()).rejects.toThrow('lost');
  expect(log).toEqual(['b closed']);
});

test('a compositor that came meanwhile and can not put to two nodes: the old node keeps the broadcast, and was told nothing', async () => {
  const { log, moved } = rig(async () => {}, { oldCompositor: true });
  await expect(moved()).rejects.toThrow('too old');
  expect(log).toEqual(['b says copied', 'no handoff from here', 'b closed']);
});

test('a node that is lost when it was to take over: the old one has the broadcast again, from the next segment on', async () => {
  const { log, moved } = rig(async (_, report) => {
    if (report === 'arrived') throw new Error('lost');
  });
  await expect(moved()).rejects.toThrow('lost');
  expect(log.slice(2)).toEqual([
    'to a: {"type":"yield","from":6}',
    'compositors put to b from 6: http://b 6',
    'to a: {"type":"yield","from":null}',
    'compositors put to a from 6: http://a 6',
    'b closed',
  ]);
});

test('an old node that does not say goodbye is gone: the new one has everything', async () => {
  const { log, moved, links } = rig(async (_, report) => {
    if (report === 'left') throw new Error('lost');
  });
  expect(await moved()).toBe(links.b);
  expect(log.slice(-2)).toEqual(['to a: {"type":"moved","url":"http://b"}', 'a closed']);
});
