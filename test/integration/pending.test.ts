/** Broadcasts that find no compositor: they wait in a queue and start by themselves. Real processes and a real Redis; agents with room for one broadcast. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BroadcastStatus } from '../../src/contracts/broadcast.ts';
import { FleetProcesses } from '../support/FleetProcesses.ts';
import { eventually, ServerProcess } from '../support/ServerProcess.ts';

const START = { video: { width: 320, height: 180, fps: 15, bitrate: 200_000 }, emptyGraceSeconds: 600 } as const;

describe('a fleet whose compositors are all in use', () => {
  let roles: FleetProcesses;
  beforeAll(async () => {
    roles = await FleetProcesses.start({ redis: true, env: { LIANMAI_MAX_BROADCASTS: '1' } });
  });
  afterAll(() => roles?.stop());

  const metric = async (line: RegExp): Promise<number> => {
    const text = await (await fetch(`${roles.sfu.internalUrl}/metrics`)).text();
    return Number(line.exec(text)?.[1]);
  };
  /** `live`, or `pending 1`. */
  const where = async (room: string): Promise<string> => {
    const { state, position } = await roles.api.broadcast(room);
    return position === null ? state : `${state} ${position}`;
  };
  const becomes = (room: string, what: string) =>
    eventually(async () => (await where(room)) === what, `${room} is ${what}`);

  test('the second one is pending, not an error: it has a position', async () => {
    expect((await roles.api.startBroadcast('first', START)).state).toBe('live');
    const second = await roles.api.startBroadcast('second', START);
    expect(second).toMatchObject({ state: 'pending', position: 1, waitReason: 'no-capacity', startedAt: null });
    expect(await roles.api.startBroadcast('third', START)).toMatchObject({ state: 'pending', position: 2 });
    // The demand is what all three want: it brings the pods.
    expect(await metric(/^lianmai_compositor_demand (\S+)$/m)).toBeCloseTo(0.9);
    expect(await metric(/^lianmai_pending_broadcasts\{kind="start",reason="no-capacity"\} (\S+)$/m)).toBe(2);
  });

  test('it starts by itself when the first one ends', async () => {
    await roles.api.stopBroadcast('first');
    await becomes('second', 'live');
    await becomes('third', 'pending 1');
  });

  test('one that waits can be given up, and asked for again', async () => {
    expect(await roles.api.stopBroadcast('third')).toMatchObject({ state: 'ended', endReason: 'stopped' });
    expect(await metric(/^lianmai_pending_broadcasts\{kind="start",reason="no-capacity"\} (\S+)$/m)).toBe(0);
    expect(await roles.api.startBroadcast('third', START)).toMatchObject({ state: 'pending', position: 1 });
  });

  test('a second agent that comes starts it, too', async () => {
    await roles.add('compositor');
    await becomes('third', 'live');
  });

  test('a killed agent’s broadcast goes before one that is queued', async () => {
    expect(await roles.api.startBroadcast('fourth', START)).toMatchObject({ state: 'pending', position: 1 });
    await roles.agents[0]?.kill();
    await becomes('second', 'recovering 1');
    await becomes('fourth', 'pending 2');
    expect(await metric(/^lianmai_pending_broadcasts\{kind="handover",reason="no-capacity"\} (\S+)$/m)).toBe(1);
    await roles.add('compositor');
    await becomes('second', 'live');
    await becomes('fourth', 'pending 1');
    await roles.api.stopBroadcast('third');
    await becomes('fourth', 'live');
  });
});

describe('one machine whose slots are all in use', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({ LIANMAI_MAX_BROADCASTS: '4', LIANMAI_COMPOSITOR_SLOTS: '0.5' });
  });
  afterAll(() => server?.stop('SIGKILL'));

  async function put(room: string): Promise<{ code: number; status: BroadcastStatus }> {
    const answer = await fetch(`${server.url}/v1/rooms/${room}/broadcast`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(START),
    });
    return { code: answer.status, status: BroadcastStatus.parse(await answer.json()) };
  }

  test('the next start is answered with 202, and begins when there is room', async () => {
    expect(await put('one')).toMatchObject({ code: 200, status: { state: 'live', position: null } });
    expect(await put('two')).toMatchObject({ code: 202, status: { state: 'pending', position: 1 } });
    await fetch(`${server.url}/v1/rooms/one/broadcast`, { method: 'DELETE' });
    await eventually(async () => (await put('two')).status.state === 'live', 'it is live');
    expect((await put('two')).code).toBe(200);
  });

  test('one that waits outlives a kill -9 of the server, as what is live does', async () => {
    const { id } = (await put('three')).status;
    await server.kill();
    server = await server.again();
    const status = async (room: string) =>
      BroadcastStatus.parse(await (await fetch(`${server.url}/v1/rooms/${room}/broadcast`)).json());
    await eventually(async () => (await status('two')).state === 'live', 'what was live is live again');
    expect(await status('three')).toMatchObject({ id, state: 'pending', position: 1 });
    await fetch(`${server.url}/v1/rooms/two/broadcast`, { method: 'DELETE' });
    await eventually(async () => (await status('three')).state === 'live', 'it is live');
    expect((await status('three')).id).toBe(id);
  });
});
