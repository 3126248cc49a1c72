/** The queue for compositors across SFU nodes: in memory (test/unit/broadcast/place) and in Redis (test/integration/redisPlaces.test.ts). */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Places, type PlacesOptions } from '../../../src/broadcast/place/Places.ts';
import type { PlaceAsk, Waits } from '../../../src/broadcast/place/Ticket.ts';
import { AppError } from '../../../src/contracts/errors.ts';
import { PROTOCOL } from '../../../src/contracts/ids.ts';
import type { Announcement } from '../../../src/directory/Announcement.ts';
import type { NodeInfo } from '../../../src/directory/entries.ts';
import { broadcastMetrics } from '../broadcast/metrics.ts';
import { untilView } from '../directory/events.ts';
import type { FleetRig, RigNode } from '../directory/FleetRig.ts';

/** Who asked: what it was told last, its compositor, and how to end that. */
interface Asker {
  readonly waits: (Waits | null)[];
  readonly placed: Promise<string>;
  end(): void;
  abort(): void;
}

/** An agent that says what it has, and takes what it has slots for. */
class TestAgent {
  readonly url: string;
  readonly #slots: number;
  #announcement: Announcement | undefined;
  #used = 0;

  constructor(url: string, slots: number) {
    this.url = url;
    this.#slots = slots;
  }

  async announce({ directory }: RigNode, more: Partial<NodeInfo> = {}): Promise<void> {
    const info: NodeInfo = {
      ...{ role: 'compositor', url: this.url, capacity: 100, load: 0, slots: this.#slots, used: 0 },
      ...{ version: '1.0.0', protocol: PROTOCOL, draining: false, ...more },
    };
    this.#announcement = await directory.announce(info);
  }

  open(slots: number): { ended: Promise<void>; end: () => void } {
    if (this.#used + slots > this.#slots) throw new AppError('no-capacity');
    this.#say(slots);
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    }).then(() => this.#say(-slots));
    return { ended, end };
  }

  drain(): void {
    this.#announcement?.update({ draining: true });
  }

  #say(more: number): void {
    this.#used += more;
    this.#announcement?.update({ used: this.#used });
  }
}

export function placesSuite(makeRig: () => Promise<FleetRig>): void {
  let rig: FleetRig;
  let a: RigNode;
  let b: RigNode;
  /** Where agents announce themselves. */
  let agentNode: RigNode;
  const agents = new Map<string, TestAgent>();
  const open: Places[] = [];

  beforeEach(async () => {
    rig = await makeRig();
    [a, b, agentNode] = await Promise.all([rig.node('http://a'), rig.node('http://b'), rig.node('http://agents')]);
  });
  afterEach(async () => {
    for (const places of open.splice(0)) places.close();
    agents.clear();
    await rig.close();
  });

  function places(node: RigNode, options: Partial<PlacesOptions> = {}) {
    const metrics = broadcastMetrics();
    const made = new Places({
      ...{ directory: node.directory, strategy: 'binpack', tenants: null, wallClock: Date.now, metrics },
      ...{ logger: pino({ level: 'silent' }), ...options },
    });
    open.push(made);
    return Object.assign(made, { metrics });
  }

  async function agent(name: string, slots: number, more: Partial<NodeInfo> = {}): Promise<TestAgent> {
    const url = `http://agent-${name}`;
    const made = new TestAgent(url, slots);
    // Before it is known: it may be asked at once.
    agents.set(url, made);
    await made.announce(agentNode, more);
    // As long as nobody knows it nobody can be given it.
    for (const node of [a, b])
      await untilView(await node.directory.watch('node'), (all) => all.some(({ id }) => id === url));
    return made;
  }

  let count = 0;
  let askedAt = 0;
  function ask(from: Places, more: Partial<PlaceAsk> = {}): Asker {
    const waits: (Waits | null)[] = [];
    const abort = new AbortController();
    count += 1;
    const broadcast = more.broadcast ?? `b${String(count).padStart(9, '0')}`;
    // Of two nodes, too, who asks later waits later: the test may ask both within a millisecond.
    askedAt = Math.max(askedAt + 1, from.queuedAt());
    const wish: PlaceAsk = {
      ...{
        queuedAt: askedAt,
        broadcast,
        tenant: 'default',
        kind: 'start',
        slots: () => 1,
        avoid: [],
        waitMs: Number.POSITIVE_INFINITY,
      },
      ...{ signal: abort.signal, onWaiting: (where) => waits.push(where), ...more },
    };
    from.wants(broadcast, { tenant: wish.tenant, slots: wish.slots() });
    let end = () => {};
    const placed = from
      .place(wish, async (url, slots) => {
        const run = agents.get(url)?.open(slots);
        if (!run) throw new AppError('no-capacity');
        end = () => {
          from.wants(broadcast, null);
          run.end();
        };
        return { ...run, url };
      })
      .then(({ url }) => url);
    placed.catch(() => {});
    return { waits, placed, end: () => end(), abort: () => abort.abort(new Error('ended')) };
  }

  /** It was told that it waits there, sooner or later. */
  const at = (asker: Asker, position: number, reason = 'no-capacity') =>
    expect.poll(() => asker.waits.at(-1), { timeout: 10_000 }).toEqual({ position, reason });
  const known = async (node: RigNode, wishes: number) =>
    untilView(await node.directory.watch('wish'), (entries) => entries.length === wishes);

  describe('who finds a place at once', () => {
    test('has it without a word to the others; the fullest agent that has room is chosen', async () => {
      await agent('large', 8);
      await agent('small', 2);
      const one = places(a);
      const first = ask(one);
      expect(await first.placed).toBe('http://agent-small');
      expect(first.waits).toEqual([]);
      expect((await a.directory.watch('wish')).entries).toEqual([]);
    });

    test('spread: the emptiest; the newest version before either', async () => {
      await agent('large', 8, { used: 1, load: 1 });
      await agent('small', 4, { used: 1, load: 1 });
      expect(await ask(places(a, { strategy: 'spread' })).placed).toBe('http://agent-large');
      await agent('new', 8, { version: '1.1.0' });
      expect(await ask(places(b)).placed).toBe('http://agent-new');
    });

    test('a rolling change: what leaves an agent goes to the new version, never to one that goes next', async () => {
      const [going] = await Promise.all([agent('old-1', 8), agent('old-2', 8), agent('new', 8, { version: '1.1.0' })]);
      going.drain();
      const moved = ask(places(a), { kind: 'handover', avoid: [going.url] });
      expect(await moved.placed).toBe('http://agent-new');
    });

    test('who does not want to wait is told at once that there is none', async () => {
      const one = places(a);
      await expect(ask(one, { waitMs: 0 }).placed).rejects.toMatchObject({ code: 'no-capacity' });
    });

    test('slots that were just given away are not given again before the agent says that it has them', async () => {
      await agent('one', 3);
      const one = places(a);
      const asked = [ask(one), ask(one), ask(one), ask(one)];
      await at(asked[3]!, 1);
      expect(await Promise.all(asked.slice(0, 3).map(({ placed }) => placed))).toHaveLength(3);
    });
  });

  describe('who waits', () => {
    test('has a position that all nodes agree on, and starts when a broadcast of another node ends', async () => {
      await agent('one', 1);
      const [one, other] = [places(a), places(b)];
      const running = ask(one);
      await running.placed;
      const second = ask(one);
      await at(second, 1);
      await known(b, 1);
      const third = ask(other);
      await at(third, 2);
      running.end();
      expect(await second.placed).toBe('http://agent-one');
      await at(third, 1);
      second.end();
      expect(await third.placed).toBe('http://agent-one');
      expect(third.waits.at(-1)).toBeNull();
      await known(a, 0);
    });

    test('an agent that comes starts it, and one that is given up makes room for the next', async () => {
      const [one, other] = [places(a), places(b)];
      const first = ask(one);
      await at(first, 1);
      await known(b, 1);
      const second = ask(other);
      await at(second, 2);
      first.abort();
      await expect(first.placed).rejects.toThrow('ended');
      await at(second, 1);
      await agent('new', 1);
      expect(await second.placed).toBe('http://agent-new');
    });

    test('one that another node had while it waited keeps its place', async () => {
      const [one, other] = [places(a), places(b)];
      // Earlier by more than a clock's step.
      const queuedAt = other.queuedAt() - 1_000;
      const first = ask(one);
      await at(first, 1);
      await known(b, 1);
      const inherited = ask(other, { queuedAt });
      await at(inherited, 1);
      await at(first, 2);
      await agent('new', 1);
      expect(await inherited.placed).toBe('http://agent-new');
    });

    test('one that runs already goes before those that wait to start, whichever node they are at', async () => {
      const [one, other] = [places(a), places(b)];
      const start = ask(one);
      await at(start, 1);
      await known(b, 1);
      const lost = ask(other, { kind: 'handover' });
      await at(lost, 1);
      await at(start, 2);
      await agent('new', 1);
      expect(await lost.placed).toBe('http://agent-new');
      await at(start, 1);
    });

    test('a node that dies leaves the queue', async () => {
      const [one, other] = [places(a), places(b)];
      const first = ask(one);
      await at(first, 1);
      await known(b, 1);
      const second = ask(other);
      await at(second, 2);
      a.cut();
      await at(second, 1);
    });

    test('a directory that is away keeps nobody from a compositor', async () => {
      await agent('one', 2);
      const one = places(a);
      await ask(one).placed;
      a.cut();
      const lost = ask(one, { kind: 'handover' });
      expect(await lost.placed).toBe('http://agent-one');
      const more = ask(one);
      await at(more, 1);
      lost.end();
      // Its agent says so to nobody; that it is free again is known to who has had it.
      a.mend();
      expect(await more.placed).toBe('http://agent-one');
    });

    test('who has waited for as long as it may is told that there is none', async () => {
      await expect(ask(places(a), { kind: 'handover', waitMs: 50 }).placed).rejects.toMatchObject({
        code: 'no-capacity',
      });
      await known(a, 0);
    });

    test('the demand is what all want, the wait is counted', async () => {
      const one = places(a);
      const first = ask(one, { slots: () => 2.5 });
      await at(first, 1);
      const second = ask(one, { kind: 'handover' });
      await at(second, 1);
      const figures = async (name: 'demand' | 'pending') =>
        (await one.metrics[name].get()).values.filter(({ value }) => value > 0).map(({ value }) => value);
      expect(await figures('demand')).toEqual([3.5]);
      expect(await figures('pending')).toEqual([1, 1]);
      await agent('new', 8);
      await Promise.all([first.placed, second.placed]);
      expect(await figures('demand')).toEqual([3.5]);
      expect(await figures('pending')).toEqual([]);
      const { values } = await one.metrics.waitSeconds.get();
      expect(values.find(({ metricName }) => metricName?.endsWith('_count'))?.value).toBe(2);
      first.end();
      expect(await figures('demand')).toEqual([1]);
    });
  });

  describe('limits of tenants', () => {
    const tenants = { limits: new Map([['acme', { broadcasts: 1 }]]), usual: {} };

    test('over its limit a tenant waits, whatever is free, until one of its own ends at another node', async () => {
      await agent('one', 8);
      const [one, other] = [places(a, { tenants }), places(b, { tenants })];
      const first = ask(one, { tenant: 'acme' });
      await first.placed;
      await known(b, 1);
      const second = ask(other, { tenant: 'acme' });
      await at(second, 1, 'tenant-limit');
      // More agents would not help it.
      expect((await other.metrics.demand.get()).values[0]?.value).toBe(0);
      expect(await ask(other, { tenant: 'somebody' }).placed).toBe('http://agent-one');
      first.end();
      expect(await second.placed).toBe('http://agent-one');
    });

    test('one that runs is never kept from a new compositor by them, and counts once', async () => {
      await agent('one', 8);
      const one = places(a, { tenants });
      const first = ask(one, { tenant: 'acme', broadcast: 'baaaaaaaa' });
      await first.placed;
      const twin = ask(one, { tenant: 'acme', broadcast: 'baaaaaaaa', kind: 'handover' });
      expect(await twin.placed).toBe('http://agent-one');
      const next = ask(one, { tenant: 'acme' });
      await at(next, 1, 'tenant-limit');
    });
  });
}
