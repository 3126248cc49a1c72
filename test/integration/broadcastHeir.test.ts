/** A broadcast that another controller has, or is to have: what the compositor at work and delivery are told. The program itself is heirs.test.ts's. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RecordFiles } from '../../src/broadcast/record/RecordFiles.ts';
import { Secret } from '../../src/common/Secret.ts';
import { WS_GOING_AWAY } from '../../src/contracts/control.ts';
import { FakeAgent } from '../support/broadcast/FakeAgent.ts';
import { eventually } from '../support/broadcast/processes.ts';
import { StudioRig } from '../support/broadcast/StudioRig.ts';

const ROOM = 'demo';

let dataDir: string;
let rig: StudioRig;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lianmai-heir-'));
  const secrets = [new Secret('s'.repeat(32))];
  const records = await RecordFiles.create({ dataDir, secrets, logger: pino({ level: 'silent' }) });
  rig = await StudioRig.create(new FakeAgent(), { records });
});
afterEach(async () => {
  await rig.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function live() {
  const status = await rig.start({ emptyGraceSeconds: 60 });
  const compositor = await rig.agent.compositor();
  const { job } = await compositor.message('job');
  return { status, compositor, job };
}
/** What the next process does. */
const resume = () => rig.broadcasts.resume({ getOrCreate: async () => rig.room, restoreScene: () => undefined });
const endings = () => rig.statuses.filter(({ state }) => state !== 'starting' && state !== 'live');

describe('let go of', () => {
  test('nothing is ended: the compositor is told that another controller follows, delivery is told nothing', async () => {
    const { compositor } = await live();
    await rig.broadcasts.letGo(ROOM);
    expect(await compositor.closed).toBe(WS_GOING_AWAY);
    expect(compositor.all('stop')).toEqual([]);
    expect(rig.delivery.all('end')).toEqual([]);
    expect(endings()).toEqual([]);
    expect([rig.broadcasts.isLive(ROOM), rig.broadcasts.status(ROOM)]).toEqual([false, null]);
    // Should nobody have it, the next process of this machine goes on.
    expect(await readdir(join(dataDir, 'broadcasts'))).toHaveLength(1);
  });

  test('by itself, when delivery says that a newer controller has it', async () => {
    const { compositor } = await live();
    rig.delivery.onOpen = () => ({ type: 'refused', code: 'stale-fence', message: 'a newer one has it' });
    rig.delivery.cut();
    expect(await compositor.closed).toBe(WS_GOING_AWAY);
    await eventually(async () => !rig.broadcasts.isLive(ROOM));
    expect([rig.delivery.all('end'), endings()]).toEqual([[], []]);
  });

  test('one that nobody has seen a frame of is ended instead', async () => {
    rig.agent.answers = [];
    const starting = rig.start();
    await rig.agent.compositor();
    await Promise.all([expect(starting).rejects.toThrow('stopped before it was live'), rig.broadcasts.handOn()]);
    expect(rig.delivery.orders).toEqual([]);
    await expect(rig.start()).rejects.toMatchObject({ code: 'shutting-down' });
  });
});

describe('gone on with', () => {
  test('where the compositor of before is at work: the next one is taken when it is ready, and not before', async () => {
    const { status, job } = await live();
    await rig.broadcasts.letGo(ROOM);
    rig.delivery.onOpen = () => ({ type: 'opened', arriving: true });
    rig.agent.answers = ['bound', 'applied', 'ended'];
    await resume();
    const next = await rig.agent.compositor(2);
    const { job: second } = await next.message('job');
    expect(second).toMatchObject({ broadcast: status.id, epoch: job.epoch, grid: job.grid, encoder: job.encoder });
    expect(second.fence).toBeGreaterThan(job.fence);
    expect(second.startMs).toBeCloseTo(job.startMs, -2);
    expect(rig.delivery.all('take')).toHaveLength(1);
    next.say({ type: 'ready' });
    const take = await rig.delivery.order('take', 2);
    expect(take).toMatchObject({ compositor: second.compositor, fence: second.fence });
    expect(take.from).toBeGreaterThanOrEqual(second.firstSegment);
  });

  test('where none is at work: the next one is taken at once', async () => {
    await live();
    await rig.broadcasts.letGo(ROOM);
    rig.agent.answers = ['bound', 'applied', 'ended'];
    await resume();
    const take = await rig.delivery.order('take', 2);
    const next = await rig.agent.compositor(2);
    const { job } = await next.message('job');
    expect(take).toMatchObject({ from: job.firstSegment, compositor: job.compositor });
  });

  test('while there is no place, delivery has a controller already', async () => {
    const { status } = await live();
    await rig.broadcasts.letGo(ROOM);
    rig.agent.refuse = true;
    await resume();
    expect((await rig.delivery.order('open', 2)).broadcast).toBe(status.id);
    rig.agent.refuse = false;
    await rig.agent.compositor(2);
  });
});
