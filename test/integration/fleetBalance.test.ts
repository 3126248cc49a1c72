/**
 * Live broadcasts are moved to where there is room, and what only waits outlives its node. Two SFU nodes, delivery, agents with few slots, and Redis, as
 * processes.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FleetProcesses, SMALL } from '../support/FleetProcesses.ts';
import { eventually, type ServerProcess } from '../support/ServerProcess.ts';

/** Costs 0.3 slots, the least. */
const LIGHT = { video: SMALL, emptyGraceSeconds: 600 } as const;
/** Predicted as 0.7 slots: encoding costs by the bit. */
const HEAVY = { video: { ...SMALL, bitrate: 4_500_000 }, emptyGraceSeconds: 600 } as const;

let fleet: FleetProcesses;
let first: ServerProcess;
let second: ServerProcess;

beforeAll(async () => {
  fleet = await FleetProcesses.start({
    ...{ sfus: 2, agents: 2, redis: true },
    env: { LIANMAI_COMPOSITOR_SLOTS: '0.85', LIANMAI_MAX_BROADCASTS: '8', LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true' },
    roleEnv: { sfu: { LIANMAI_REBALANCE_SECONDS: '1' } },
  });
  [first, second] = fleet.sfus as [ServerProcess, ServerProcess];
});
afterAll(() => fleet?.stop());

const becomes = (room: string, state: string) =>
  eventually(async () => (await fleet.api.broadcast(room)).state === state, `${room} is ${state}`);

/** Handoffs that were done for the sake of balance, of both nodes. */
async function moved(): Promise<number> {
  const texts = await Promise.all([first, second].map((sfu) => fleet.metrics(sfu)));
  const counts = texts.map((text) => /^lianmai_handoffs_total\{reason="rebalance",outcome="done"\} (\d+)$/m.exec(text));
  return counts.reduce((sum, found) => sum + Number(found?.[1] ?? 0), 0);
}

/** Where each room's compositor is at work, as Redis has it. */
async function agentOf(room: string): Promise<string> {
  const { id } = await fleet.api.broadcast(room);
  const data = await fleet.redis?.ask((client) => client.hget(`lianmai:entry:broadcast:${id}`, 'data'));
  return JSON.parse(data ?? '{}').at?.agent ?? '';
}

describe('rebalancing', () => {
  test('one who waits and fits nowhere gets room: a live broadcast is moved to where the other small hole is, and nobody sees it', async () => {
    await fleet.apiOf(first).startBroadcast('one', LIGHT);
    await fleet.apiOf(second).startBroadcast('two', LIGHT);
    // The first agent is full; so this one is on the second.
    await fleet.apiOf(first).startBroadcast('three', LIGHT);
    await fleet.api.stopBroadcast('two');
    await eventually(async () => (await agentOf('one')) !== '' && (await agentOf('three')) !== '', 'both are told of');
    expect(await agentOf('one')).not.toBe(await agentOf('three'));
    // 0.55 slots are free on each.
    const waits = await fleet.apiOf(second).startBroadcast('large', HEAVY);
    expect(waits).toMatchObject({ state: 'pending', position: 1, waitReason: 'no-capacity' });
    await becomes('large', 'live');
    expect(await moved()).toBeGreaterThanOrEqual(1);
    await eventually(async () => (await agentOf('one')) === (await agentOf('three')), 'both are on one agent');
    for (const room of ['one', 'three'])
      expect(await fleet.api.broadcast(room)).toMatchObject({ state: 'live', restarts: 0 });
    await fleet.api.stopBroadcast('large');
  });
});

describe('a start that waits', () => {
  const KEY = 'key-of-one-that-waits';
  /** `live`, or `pending 1`. */
  const where = async (room: string) => {
    const { state, position } = await fleet.apiOf(first).broadcast(room);
    return position === null ? state : `${state} ${position}`;
  };
  const at = (room: string, what: string) => eventually(async () => (await where(room)) === what, `${room} is ${what}`);

  test('goes over to the next home of its room when its node is drained, and keeps its place in the queue', async () => {
    // Both agents are full: 0.6 of 0.85, and what is free together is too little.
    for (const room of ['four', 'five']) await fleet.apiOf(first).startBroadcast(room, LIGHT);
    const destinations = [{ url: 'rtmp://127.0.0.1:9/live', key: KEY }];
    const early = await fleet.apiOf(second).startBroadcast('early', { ...LIGHT, destinations });
    expect(early).toMatchObject({ state: 'pending', position: 1 });
    await fleet.apiOf(first).startBroadcast('late', LIGHT);
    await at('late', 'pending 2');
    const kept = await fleet.redis?.ask((client) => client.hget(`lianmai:entry:pending:${early.id}`, 'data'));
    expect(kept).toContain('"queuedAt"');
    expect(kept).not.toContain(KEY);
    expect(await second.stop('SIGTERM')).toBe(0);
    await first.waitForLog(
      ({ msg, broadcast }) => msg === 'going on with the broadcast of another process' && broadcast === early.id,
    );
    await at('early', 'pending 1');
    await at('late', 'pending 2');
    const { id, destinations: there } = await fleet.apiOf(first).broadcast('early');
    expect([id, there[0]?.id]).toEqual([early.id, early.destinations[0]?.id]);
  });

  test('is taken up by another node when its own is killed, and starts when it is its turn', async () => {
    second = await fleet.again(second);
    const last = await fleet.apiOf(second).startBroadcast('last', LIGHT);
    expect(last).toMatchObject({ state: 'pending', position: 3 });
    await fleet.killAll(second);
    await fleet.api.stopBroadcast('four');
    await at('early', 'live');
    await at('late', 'pending 1');
    await first.waitForLog(
      ({ msg, broadcast }) => msg === 'going on with the broadcast of another process' && broadcast === last.id,
    );
    await at('last', 'pending 2');
    await fleet.apiOf(first).stopBroadcast('late');
    await fleet.apiOf(first).stopBroadcast('five');
    await at('last', 'live');
    expect((await fleet.apiOf(first).broadcast('last')).id).toBe(last.id);
    // It has begun: what another would go on with is its record.
    const holderOf = (kind: 'pending' | 'record') =>
      fleet.redis?.ask((client) => client.hget(`lianmai:entry:${kind}:${last.id}`, 'holder'));
    await eventually(async () => (await holderOf('pending')) === null, 'it waits no more');
    expect(await holderOf('record')).toBe(first.internalUrl);
  });
});
