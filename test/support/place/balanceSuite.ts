/** Moving broadcasts to where there is room, across SFU nodes: in memory (test/unit/broadcast/place) and in Redis (test/integration/redisPlaces.test.ts). */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Balance } from '../../../src/broadcast/place/Balance.ts';
import { PROTOCOL } from '../../../src/contracts/ids.ts';
import type { Announcement } from '../../../src/directory/Announcement.ts';
import type { Berth } from '../../../src/directory/entries.ts';
import { untilView } from '../directory/events.ts';
import type { FleetRig, RigNode } from '../directory/FleetRig.ts';

const REST_MS = 30_000;
const SETTLE_MS = 2_000;
const [ONE, TWO, THREE] = ['http://agent-1', 'http://agent-2', 'http://agent-3'] as const;
const [X, Y, Z] = ['bxxxxxxxxx', 'byyyyyyyyy', 'bzzzzzzzzz'] as const;

export function balanceSuite(makeRig: () => Promise<FleetRig>): void {
  let rig: FleetRig;
  let a: RigNode;
  let b: RigNode;
  let agentNode: RigNode;
  /** Of all nodes; it stands still but where a test lets it go on. */
  let nowMs = 0;
  const agents = new Map<string, { said: Announcement; used: number }>();
  const closing: (() => unknown)[] = [];

  beforeEach(async () => {
    rig = await makeRig();
    nowMs = 0;
    [a, b, agentNode] = await Promise.all([rig.node('http://a'), rig.node('http://b'), rig.node('http://agents')]);
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) close();
    agents.clear();
    await rig.close();
  });

  async function agent(url: string, slots: number): Promise<void> {
    const said = await agentNode.directory.announce({
      ...{ role: 'compositor', url, capacity: 100, load: 0, slots, used: 0 },
      ...{ version: '1.0.0', protocol: PROTOCOL, draining: false },
    });
    agents.set(url, { said, used: 0 });
  }

  function uses(url: string, more: number): void {
    const known = agents.get(url);
    if (!known) return;
    known.used += more;
    known.said.update({ used: known.used });
  }

  function node(of: RigNode) {
    const logger = pino({ level: 'silent' });
    const clock = { now: () => nowMs };
    const { directory } = of;
    const balance = new Balance({ directory, restMs: REST_MS, settleMs: SETTLE_MS, clock, logger });
    closing.push(() => balance.close());
    return { balance, directory };
  }
  type Node = ReturnType<typeof node>;

  /** A broadcast that goes to `to` when it is asked to, as soon as the test says so; `refuse`: that comes to nothing. */
  async function broadcast(on: Node, id: string, { at, slots, to }: { at: string; slots: number; to?: string }) {
    const { lease } = await on.directory.claim('broadcast', id, { url: on.directory.node, room: id });
    const seat = { agent: at, slots };
    const made = {
      asked: 0,
      told: null as Berth | null,
      end: (): void => {},
      grow: (more: number) => {
        seat.slots += more;
        uses(seat.agent, more);
        part.changed();
      },
      look: () => part.changed(),
    };
    uses(at, slots);
    const part = on.balance.join({
      broadcast: id,
      seat: () => ({ ...seat }),
      tell: (berth) => {
        made.told = berth;
        void lease?.update({ url: on.directory.node, room: id, ...(berth ? { at: berth } : {}) });
      },
      handOver: async () => {
        made.asked += 1;
        await new Promise<void>((resolve) => {
          made.end = resolve;
        });
        if (!to) return;
        // As in a handoff: for a moment both agents have it.
        uses(to, seat.slots);
        const before = seat.agent;
        seat.agent = to;
        part.changed();
        uses(before, -seat.slots);
      },
    });
    return made;
  }
  type Made = Awaited<ReturnType<typeof broadcast>>;

  /** All know of all, and how they are. */
  async function known(nodes: Node[], berths: Record<string, Partial<Berth>>): Promise<void> {
    for (const { directory } of nodes) {
      const owners = await directory.watch('broadcast');
      await untilView(owners, (entries) =>
        Object.entries(berths).every(([id, wanted]) => {
          const at = entries.find((entry) => entry.id === id)?.data.at;
          return at !== undefined && Object.entries(wanted).every(([key, value]) => at[key as keyof Berth] === value);
        }),
      );
      await expect
        .poll(async () =>
          (await directory.agents()).map(({ url, used }) => [url, used]).sort((one, other) => (one < other ? -1 : 1)),
        )
        .toEqual([...agents].map(([url, { used }]) => [url, used]).sort((one, other) => (one < other ? -1 : 1)));
    }
  }

  function pass(ms: number, ...made: Made[]): void {
    nowMs += ms;
    for (const each of made) each.look();
  }
  /** Time goes on until it was asked to move so often: in small steps, since each of them has to be seen. */
  const asked = (made: Made, others: Made[], times = 1) =>
    expect
      .poll(
        () => {
          pass(SETTLE_MS / 4, made, ...others);
          return made.asked;
        },
        { timeout: 10_000 },
      )
      .toBe(times);

  /** Two broadcasts of two nodes on the first of two agents, which has 2 slots; none has just come. */
  async function two() {
    await agent(ONE, 2);
    await agent(TWO, 4);
    const [first, second] = [node(a), node(b)];
    const x = await broadcast(first, X, { at: ONE, slots: 1.2, to: TWO });
    const y = await broadcast(second, Y, { at: ONE, slots: 0.8, to: TWO });
    await known([first, second], { [X]: { pinned: true }, [Y]: { pinned: true } });
    pass(REST_MS, x, y);
    await known([first, second], { [X]: { pinned: false }, [Y]: { pinned: false } });
    return { first, second, x, y };
  }

  describe('an agent that needs more slots than it has', () => {
    test('is relieved of the smallest broadcast that is enough, by the node that owns it; the other stays', async () => {
      const { first, second, x, y } = await two();
      x.grow(0.5);
      await known([first, second], { [X]: { slots: 1.7 } });
      // Not at once: an agent and an owner tell of one thing one after the other.
      expect([x.asked, y.asked]).toEqual([0, 0]);
      await asked(y, [x]);
      await known([first, second], { [Y]: { moving: true, agent: ONE } });
      // While it is on its way nothing else is moved, however long it takes.
      pass(10 * SETTLE_MS, x, y);
      y.end();
      await known([first, second], { [Y]: { moving: false, agent: TWO, pinned: true } });
      pass(2 * REST_MS, x, y);
      await known([first, second], { [X]: { pinned: false }, [Y]: { pinned: false } });
      pass(SETTLE_MS, x, y);
      expect([x.asked, y.asked]).toEqual([0, 1]);
    });

    test('keeps what has come only lately', async () => {
      await agent(ONE, 2);
      await agent(TWO, 4);
      const first = node(a);
      const x = await broadcast(first, X, { at: ONE, slots: 1.2, to: TWO });
      const y = await broadcast(first, Y, { at: ONE, slots: 1.2, to: TWO });
      await known([first], { [X]: { pinned: true }, [Y]: { pinned: true } });
      pass(REST_MS - 1, x, y);
      pass(0, x, y);
      expect([x.told?.pinned, x.asked, y.asked]).toEqual([true, 0, 0]);
      pass(1, x, y);
      await known([first], { [X]: { pinned: false } });
      await asked(x, [y]);
      expect(y.asked).toBe(0);
    });

    test('one that could not be moved rests before it is tried again', async () => {
      await agent(ONE, 2);
      await agent(TWO, 4);
      const first = node(a);
      const x = await broadcast(first, X, { at: ONE, slots: 1.2 });
      const y = await broadcast(first, Y, { at: ONE, slots: 2 });
      await known([first], { [X]: {}, [Y]: {} });
      pass(REST_MS, x, y);
      await known([first], { [X]: { pinned: false } });
      await asked(x, [y]);
      x.end();
      await known([first], { [X]: { pinned: true, moving: false, agent: ONE } });
      // The other one is tried meanwhile.
      await asked(y, [x]);
      expect(x.asked).toBe(1);
      y.end();
      await known([first], { [Y]: { pinned: true, moving: false } });
      pass(REST_MS, x, y);
      await asked(x, [y], 2);
    });

    test('stays as it is when there is no room elsewhere, and when it has what it needs', async () => {
      await agent(ONE, 2);
      await agent(TWO, 2);
      const first = node(a);
      const x = await broadcast(first, X, { at: ONE, slots: 1.2, to: TWO });
      const y = await broadcast(first, Y, { at: ONE, slots: 1.2, to: TWO });
      const z = await broadcast(first, Z, { at: TWO, slots: 1.5, to: ONE });
      await known([first], { [X]: {}, [Y]: {}, [Z]: {} });
      pass(REST_MS, x, y, z);
      await known([first], { [X]: { pinned: false } });
      pass(SETTLE_MS, x, y, z);
      await agent(THREE, 1.2);
      // Now there is.
      await known([first], { [X]: { pinned: false } });
      await asked(x, [y, z]);
      expect([y.asked, z.asked]).toEqual([0, 0]);
    });
  });

  describe('who waits and fits nowhere', () => {
    test('gets room on the agent that is kept for it, though the free slots are those of two, and the broadcasts those of two nodes', async () => {
      const { first, second, x, y } = await two();
      // 0 of 2 are free on the one, 2.5 of 4 on the other: 3 are only together there.
      const z = await broadcast(second, Z, { at: TWO, slots: 1.5, to: ONE });
      await known([first, second], { [Z]: { pinned: true } });
      pass(REST_MS, x, y, z);
      await known([first, second], { [Z]: { pinned: false } });
      await agent(THREE, 1.5);
      const data = {
        ...{ broadcast: 'bwwwwwwwww', tenant: 'default', slots: 3, kind: 'start' as const, queuedAt: 1, avoid: [] },
        ...{ protocol: PROTOCOL, reserved: TWO, placed: false },
      };
      await a.directory.hold('wish', 'qwwwwwwwww', data, 1);
      for (const { directory } of [first, second])
        await untilView(await directory.watch('wish'), (entries) => entries.length === 1);
      await known([first, second], { [Z]: { pinned: false } });
      await asked(z, [x, y]);
      expect([x.asked, y.asked]).toEqual([0, 0]);
    });
  });
}
