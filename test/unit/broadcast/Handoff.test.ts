/** The state machine of a handoff, with compositors that do what a test says, on a clock that a test moves. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LinkEnd } from '../../../src/broadcast/CompositorLink.ts';
import { Handoff, type HandoffRun } from '../../../src/broadcast/Handoff.ts';
import { encoderFor, gridFor, type Program, renditionsFor } from '../../../src/broadcast/jobs.ts';
import { BroadcastInput } from '../../../src/contracts/broadcast.ts';
import type { CompositorStats } from '../../../src/contracts/control.ts';

const program: Program = {
  ...{ broadcast: 'baaaaaaaaaaaa', epoch: 0, startMs: 0, grid: gridFor(30), encoder: encoderFor('libx264', 1) },
  ...{ renditions: renditionsFor(BroadcastInput.parse({})), deliveryUrl: 'http://127.0.0.1:1', assetsUrl: null },
};
/** Of a segment; they have 2 s. */
const beginOf = (k: number): number => k * 2000;
const WARM_MS = 1_500;
/** From `take` to its segment. */
const LEAD_MS = 500;

type Listener = (stats: CompositorStats) => void;

class FakeRun implements HandoffRun {
  readonly compositor: string;
  readonly ended: Promise<LinkEnd>;
  readonly ready = Promise.withResolvers<void>();
  readonly decoded = { active: [] as string[], has: (id: string) => this.decoded.active.includes(id) };
  fence: number;
  /** The last segment that it says it has put, however it was asked; undefined: as asked. */
  puts: number | undefined;
  failed = false;
  readonly #end = Promise.withResolvers<LinkEnd>();
  readonly #listeners = new Set<Listener>();
  readonly #calls: string[];

  constructor(compositor: string, fence: number, calls: string[]) {
    this.compositor = compositor;
    this.fence = fence;
    this.#calls = calls;
    this.ended = this.#end.promise;
  }

  start(_: Program, firstSegment: number): Promise<void> {
    this.#calls.push(`${this.compositor} starts with ${firstSegment}`);
    const ended = this.ended.then(() => Promise.reject(new Error('ended before it was ready')));
    return Promise.race([this.ready.promise, ended]);
  }

  refence(fence: number): void {
    this.fence = fence;
    this.#calls.push(`${this.compositor} has fence ${fence}`);
  }

  async stop(lastSegment?: number): Promise<LinkEnd> {
    this.#calls.push(`${this.compositor} stops after ${lastSegment}`);
    this.#end.resolve({ reason: 'stopped', lastSegment: this.puts ?? lastSegment ?? null, message: '' });
    return this.ended;
  }

  fail(): void {
    this.failed = true;
    this.die('stopped');
  }

  die(reason: LinkEnd['reason'] = 'crashed'): void {
    this.#end.resolve({ reason, lastSegment: null, message: '' });
  }

  /** It has these pictures, and says so. */
  sees(...sources: string[]): void {
    this.decoded.active = sources;
    for (const listener of this.#listeners) listener({} as CompositorStats);
  }

  on(_: 'stats', listener: Listener): void {
    this.#listeners.add(listener);
  }

  off(_: 'stats', listener: Listener): void {
    this.#listeners.delete(listener);
  }
}

let calls: string[];
let a: FakeRun;
let b: FakeRun;
let warmed: number[];
let abort: AbortController;
let place: () => Promise<FakeRun>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], now: 0 });
  calls = [];
  warmed = [];
  abort = new AbortController();
  a = new FakeRun('A', 1, calls);
  b = new FakeRun('B', 2, calls);
  a.decoded.active = ['camera', 'screen'];
  place = async () => b;
});
afterEach(() => {
  vi.useRealTimers();
});

/** Begins at program time 10 s, where segment 5 begins. */
async function begin(): Promise<Handoff<FakeRun>> {
  await at(beginOf(5));
  const handoff = new Handoff<FakeRun>({
    ...{ old: a, program, place: () => place(), carried: () => ({}), warmMs: WARM_MS, signal: abort.signal },
    onWarm: (tookMs) => warmed.push(tookMs),
    take: (run, from) => calls.push(`take ${run.compositor} from ${from} at ${now()}`),
    onSwitch: (run, from) => calls.push(`${run.compositor} at work from ${from} at ${now()}`),
    newFence: () => 3,
    clock: { now },
    logger: pino({ level: 'silent' }),
  });
  await at(beginOf(5));
  return handoff;
}
const now = (): number => Math.round(performance.now());
/** Goes on to that time; what is to happen until then has happened. */
const at = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(Math.max(0, ms - now()));

describe('all goes well', () => {
  test('B warms up, delivery takes it late from the first segment that it can have, A puts the one before', async () => {
    const handoff = await begin();
    expect(calls).toEqual(['B starts with 6']);
    b.ready.resolve();
    await at(beginOf(5) + 900);
    b.sees('camera');
    await at(beginOf(5) + 1_200);
    expect(warmed).toEqual([]);
    b.sees('camera', 'screen');
    await at(beginOf(6) - LEAD_MS - 1);
    expect(warmed).toEqual([1_200]);
    expect(calls).toHaveLength(1);
    await at(beginOf(6) - 1);
    expect(calls.slice(1)).toEqual([`take B from 6 at ${beginOf(6) - LEAD_MS}`]);
    expect(handoff.oldMayEnd).toBe(false);
    await at(beginOf(6));
    expect(calls.slice(2)).toEqual([`B at work from 6 at ${beginOf(6)}`, 'A stops after 5']);
    expect(handoff.oldMayEnd).toBe(true);
    expect(await handoff.ended).toEqual({ outcome: 'done', run: b });
    expect(b.failed).toBe(false);
  });

  test('B is warm too late for its first segment: a later one is taken, and A goes on until then', async () => {
    const handoff = await begin();
    b.ready.resolve();
    await at(beginOf(6) - LEAD_MS + 10);
    b.sees('camera', 'screen');
    await at(beginOf(7) - LEAD_MS - 1);
    expect(calls).toEqual(['B starts with 6']);
    await at(beginOf(7));
    expect(calls.slice(1)).toEqual([
      `take B from 7 at ${beginOf(7) - LEAD_MS}`,
      `B at work from 7 at ${beginOf(7)}`,
      'A stops after 6',
    ]);
    expect((await handoff.ended).outcome).toBe('done');
  });

  test('this process has slept through the time for the order: the next segment is taken', async () => {
    const handoff = await begin();
    b.ready.resolve();
    await at(beginOf(5) + 1_000);
    b.sees('camera', 'screen');
    await at(beginOf(6) - LEAD_MS - 1);
    // Timers that are due come later than they should.
    vi.spyOn(performance, 'now').mockReturnValue(beginOf(6) - 100);
    await vi.advanceTimersByTimeAsync(1);
    vi.mocked(performance.now).mockRestore();
    expect(calls).toEqual(['B starts with 6']);
    await at(beginOf(7) + 1_000);
    expect(calls.slice(1).map((call) => call.replace(/ at \d+$/, ''))).toEqual([
      'take B from 7',
      'B at work from 7',
      'A stops after 6',
    ]);
    expect((await handoff.ended).outcome).toBe('done');
  });

  test('a picture that never comes is waited for no longer than six seconds', async () => {
    const handoff = await begin();
    b.ready.resolve();
    b.sees('camera');
    await at(beginOf(5) + 5_999);
    expect(calls).toEqual(['B starts with 6']);
    await at(beginOf(9));
    expect(calls.at(1)).toMatch('take B from 9');
    expect((await handoff.ended).outcome).toBe('done');
  });

  test('a source that is gone meanwhile is not waited for', async () => {
    await begin();
    b.ready.resolve();
    a.decoded.active = ['camera'];
    await at(beginOf(5) + 800);
    b.sees('camera');
    await at(beginOf(5) + 801);
    expect(warmed).toEqual([800]);
  });
});

describe('B is lost', () => {
  test('there is none: A goes on', async () => {
    const refusal = new Error('all in use');
    place = () => Promise.reject(refusal);
    const handoff = await begin();
    expect(await handoff.ended).toEqual({ outcome: 'no-place', error: refusal });
    expect(calls).toEqual([]);
  });

  test('before it is ready', async () => {
    const handoff = await begin();
    b.die();
    expect(await handoff.ended).toMatchObject({ outcome: 'failed' });
    await at(beginOf(9));
    expect(calls).toEqual(['B starts with 6']);
  });

  test('while the time for the order is waited for', async () => {
    const handoff = await begin();
    b.ready.resolve();
    await at(beginOf(5) + 100);
    b.sees('camera', 'screen');
    await at(beginOf(5) + 200);
    b.die();
    expect(await handoff.ended).toMatchObject({ outcome: 'failed' });
    await at(beginOf(9));
    expect(calls).toEqual(['B starts with 6']);
  });

  test('after the order and before its segment: the broadcast is taken back with a higher fence, and A is not stopped', async () => {
    const handoff = await begin();
    b.ready.resolve();
    await at(beginOf(5) + 100);
    b.sees('camera', 'screen');
    await at(beginOf(6) - 200);
    b.die();
    expect(await handoff.ended).toMatchObject({ outcome: 'failed' });
    await at(beginOf(9));
    expect(calls.slice(1)).toEqual([
      `take B from 6 at ${beginOf(6) - LEAD_MS}`,
      'A has fence 3',
      `take A from 6 at ${beginOf(6) - 200}`,
    ]);
    expect(handoff.oldMayEnd).toBe(false);
  });
});

describe('A is lost', () => {
  test('while B is looked for: B begins as soon as it can', async () => {
    const placed = Promise.withResolvers<FakeRun>();
    place = () => placed.promise;
    const handoff = await begin();
    a.die();
    await at(beginOf(5) + 1_000);
    placed.resolve(b);
    await at(beginOf(5) + 1_001);
    expect(calls).toEqual([
      'B starts with 6',
      `take B from 6 at ${beginOf(5) + 1_000}`,
      `B at work from 6 at ${beginOf(5) + 1_000}`,
    ]);
    b.ready.resolve();
    expect(await handoff.ended).toEqual({ outcome: 'rescued', run: b });
    expect(handoff.oldMayEnd).toBe(false);
  });

  test('while B warms up: delivery takes B at once, from its first segment', async () => {
    const handoff = await begin();
    await at(beginOf(5) + 300);
    a.die();
    await at(beginOf(5) + 301);
    expect(calls.slice(1)).toEqual([`take B from 6 at ${beginOf(5) + 300}`, `B at work from 6 at ${beginOf(5) + 300}`]);
    b.ready.resolve();
    expect(await handoff.ended).toEqual({ outcome: 'rescued', run: b });
  });

  test('and then B before it is ready: both are lost', async () => {
    const handoff = await begin();
    a.die();
    await at(beginOf(5) + 1);
    b.die();
    const end = await handoff.ended;
    expect([end.outcome, end.run]).toEqual(['abandoned', undefined]);
  });

  test('after the order: B has it from there on', async () => {
    const handoff = await begin();
    b.ready.resolve();
    b.sees('camera', 'screen');
    await at(beginOf(6) - 100);
    a.die();
    expect(await handoff.ended).toEqual({ outcome: 'rescued', run: b });
    expect(calls.at(-1)).toBe(`B at work from 6 at ${beginOf(6) - 100}`);
  });

  test('it does not finish its last segment: that is told', async () => {
    a.puts = 4;
    const handoff = await begin();
    b.ready.resolve();
    await at(beginOf(5) + 1);
    b.sees('camera', 'screen');
    await at(beginOf(6));
    expect(await handoff.ended).toEqual({ outcome: 'rescued', run: b });
  });
});

describe('the broadcast ends', () => {
  test.each([
    ['while B warms up', beginOf(5) + 100],
    ['while the time for the order is waited for', beginOf(6) - LEAD_MS - 100],
    ['after the order', beginOf(6) - 100],
  ])('%s: B is given up', async (_, when) => {
    const handoff = await begin();
    b.ready.resolve();
    await at(beginOf(5) + 1_000);
    b.sees('camera', 'screen');
    await at(when);
    abort.abort();
    expect((await handoff.ended).outcome).toBe('abandoned');
    expect(b.failed).toBe(true);
    await at(beginOf(9));
    expect(calls.filter((call) => call.startsWith('A '))).toEqual([]);
  });
});
