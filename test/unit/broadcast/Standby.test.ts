/** Who stands by, with compositors that do what a test says. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LinkEnd } from '../../../src/broadcast/CompositorLink.ts';
import { encoderFor, gridFor, type Program, renditionsFor } from '../../../src/broadcast/jobs.ts';
import { Standby, type StandbyRun } from '../../../src/broadcast/Standby.ts';
import { BroadcastInput } from '../../../src/contracts/broadcast.ts';

const program: Program = {
  ...{ broadcast: 'baaaaaaaaaaaa', epoch: 0, startMs: 0, grid: gridFor(30), encoder: encoderFor('libx264', 1) },
  ...{ renditions: renditionsFor(BroadcastInput.parse({})), deliveryUrl: 'http://127.0.0.1:1', assetsUrl: null },
};

class FakeRun implements StandbyRun {
  readonly compositor: string;
  readonly agentUrl = 'http://b';
  readonly fence: number;
  readonly ended: Promise<LinkEnd>;
  readonly ready = Promise.withResolvers<void>();
  draining = false;
  stopped = false;
  readonly #end = Promise.withResolvers<LinkEnd>();
  #onDraining: (() => void) | undefined;

  constructor(compositor: string, fence: number) {
    this.compositor = compositor;
    this.fence = fence;
    this.ended = this.#end.promise;
  }

  start(_: Program, firstSegment: number): Promise<void> {
    calls.push(`${this.compositor} starts with ${firstSegment}`);
    const ended = this.ended.then(() => Promise.reject(new Error('ended before it was ready')));
    return Promise.race([this.ready.promise, ended]);
  }

  async stop(): Promise<LinkEnd> {
    this.stopped = true;
    this.die('stopped');
    return this.ended;
  }

  fail(): void {
    this.die('stopped');
  }

  die(reason: LinkEnd['reason'] = 'crashed'): void {
    this.#end.resolve({ reason, lastSegment: null, message: '' });
  }

  letGo(): void {
    this.die('control-lost');
  }

  once(_: 'draining', listener: () => void): void {
    this.#onDraining = listener;
  }

  drains(): void {
    this.draining = true;
    this.#onDraining?.();
  }
}

let calls: string[];
let placed: FakeRun[];
let refuse: boolean;
let abort: AbortController;
let standby: Standby<FakeRun>;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  [calls, placed, refuse, abort] = [[], [], false, new AbortController()];
  standby = new Standby<FakeRun>({
    place: async () => {
      if (refuse) throw new Error('no place');
      const run = new FakeRun(`c${placed.length}`, placed.length + 1);
      placed.push(run);
      return run;
    },
    program: () => program,
    carried: () => ({}),
    warmMs: () => 1500,
    take: (run, from) => calls.push(`${run.compositor} stands by from ${from}`),
    clock: { now: () => Date.now() },
    logger: pino({ level: 'silent' }),
    signal: abort.signal,
  });
});

afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

async function ready(): Promise<FakeRun> {
  standby.begin();
  await pass();
  const run = placed.at(-1);
  if (!run) throw new Error('none was placed');
  run.ready.resolve();
  await pass();
  return run;
}

describe('a standby', () => {
  test('delivery is told before it works; it stands by when it is ready', async () => {
    standby.begin();
    await pass();
    expect(calls).toEqual(['c0 stands by from 1', 'c0 starts with 1']);
    expect(standby.run).toBeUndefined();
    placed[0]?.ready.resolve();
    await pass();
    expect(standby.run).toBe(placed[0]);
  });

  test('one that is released is not ours any more, and another is looked for', async () => {
    const first = await ready();
    expect(await standby.release()).toBe(first);
    await pass(2000);
    expect([first.stopped, placed.length]).toEqual([false, 2]);
    expect(calls.at(-1)).toBe('c1 starts with 2');
  });

  test('one that is wanted while it warms up is waited for', async () => {
    standby.begin();
    await pass();
    const wanted = standby.release();
    placed[0]?.ready.resolve();
    expect(await wanted).toBe(placed[0]);
    expect(standby.run).toBeUndefined();
    await pass(2000);
    expect(placed.length).toBe(2);
  });

  test('one that ends while it warms up is none, and the next is looked for', async () => {
    standby.begin();
    await pass();
    const wanted = standby.release();
    placed[0]?.die();
    expect(await wanted).toBeUndefined();
    await pass(2000);
    expect(placed.length).toBe(2);
  });

  test('one that is lost is replaced', async () => {
    (await ready()).die();
    await pass(2000);
    expect([standby.run, placed.length]).toEqual([undefined, 2]);
  });

  test('without a place it is tried again', async () => {
    refuse = true;
    standby.begin();
    await pass(1999);
    refuse = false;
    expect(await standby.release()).toBeUndefined();
    await pass(1);
    expect(placed.length).toBe(1);
  });

  test('its agent goes: it is stopped and replaced', async () => {
    const first = await ready();
    first.drains();
    expect(first.stopped).toBe(true);
    await pass(2000);
    expect(placed.length).toBe(2);
  });

  test('for a handoff it is given only when it is elsewhere', async () => {
    const first = await ready();
    expect(await standby.releaseElsewhere('http://b')).toBeUndefined();
    expect(await standby.releaseElsewhere('http://a')).toBe(first);
  });

  test('one with a lower fence than the compositor at work could not follow it: it is replaced', async () => {
    const first = await ready();
    standby.outdated(first.fence);
    expect(first.stopped).toBe(false);
    standby.outdated(first.fence + 1);
    expect([first.stopped, standby.run]).toEqual([true, undefined]);
    await pass(2000);
    // The next has a fence that is high enough.
    placed[1]?.ready.resolve();
    await pass();
    expect(standby.run).toBe(placed[1]);
  });

  test('one that was outdated while it warmed up never stands by', async () => {
    standby.begin();
    await pass();
    standby.outdated(5);
    placed[0]?.ready.resolve();
    await pass();
    expect(standby.run).toBeUndefined();
  });

  test('closes with its broadcast, standing by or warming up', async () => {
    const first = await ready();
    abort.abort();
    await standby.stop();
    expect(first.stopped).toBe(true);
    await pass(10_000);
    expect(placed.length).toBe(1);
  });

  test('a broadcast that ends while one warms up', async () => {
    standby.begin();
    await pass();
    abort.abort();
    await standby.stop();
    await pass(10_000);
    expect([placed.length, standby.run]).toEqual([1, undefined]);
  });
});
