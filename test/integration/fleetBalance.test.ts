/**
 * Live broadcasts are moved to where there is room, and what only waits outlives its node. Two SFU nodes, delivery, agents with few slots, and Redis, as
 * processes.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FleetProcesses, SMALL } from '../support/FleetProcesses.ts';
import { eventually, type ServerProcess } from '../support/ServerProcess.ts';

/** Costs 0.3 slots, the least. */
const LIGHT = { video: SMALL, emptyGraceSeconds: 600 } as const;
/** Predicted as half a slot: encoding costs by the bit. */
const HEAVY = { video: { ...SMALL, bitrate: 3_000_000 }, emptyGraceSeconds: 600 } as const;

let fleet: FleetProcesses;
let first: ServerProcess;
let second: ServerProcess;

beforeAll(async () => {
  fleet = await FleetProcesses.start({
    ...{ sfus: 2, agents: 2, redis: true },
    env: { LIANMAI_COMPOSITOR_SLOTS: '0.7', LIANMAI_MAX_BROADCASTS: '8' },
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
    // 0.4 slots are free on each.
    const waits = await fleet.apiOf(second).startBroadcast('large', HEAVY);
    expect(waits).toMatchObject({ state: 'pending', position: 1, waitReason: 'no-capacity' });
    await becomes('large', 'live');
    expect(await moved()).toBe(1);
    await eventually(async () => (await agentOf('one')) === (await agentOf('three')), 'both are on one agent');
    for (const room of ['one', 'three'])
      expect(await fleet.api.broadcast(room)).toMatchObject({ state: 'live', restarts: 0 });
    await fleet.api.stopBroadcast('large');
  });
});
