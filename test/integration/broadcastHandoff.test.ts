/** The controller's side of a handoff: what it tells two agents and delivery, in which order. The program itself is handoff.test.ts's. */
import { afterEach, describe, expect, test } from 'vitest';
import { FakeAgent, type FakeCompositor } from '../support/broadcast/FakeAgent.ts';
import { eventually } from '../support/broadcast/processes.ts';
import { StudioRig } from '../support/broadcast/StudioRig.ts';

const ANNA = 'paaaaaaaa';
const CAMERA = `${ANNA}.camera`;
const rigs: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.close()));
});

/** Live at the first agent; there is another one. */
async function live({ elsewhere = true } = {}) {
  const other = new FakeAgent();
  const agent = new FakeAgent();
  for (const each of [agent, other]) each.returns = true;
  // Whoever is asked first.
  other.refuse = true;
  const rig = await StudioRig.create(agent, {}, elsewhere ? [other] : []);
  rigs.push(rig);
  await rig.guest(ANNA);
  rig.sfu.streamer.start();
  await rig.start();
  const a = await rig.agent.compositor();
  const { job } = await a.message('job');
  other.refuse = false;
  return { rig, a, job, other };
}

/** The successor is there and has no pictures to wait for. */
async function warm(other: FakeAgent): Promise<FakeCompositor> {
  const b = await other.compositor();
  await b.message('job');
  b.stats();
  return b;
}

const handoffs = async (rig: StudioRig) =>
  (await rig.metrics.handoffs.get()).values.map(({ labels, value }) => [labels.reason, labels.outcome, value]);

describe('an agent says that it goes', () => {
  test('another one gets the room with what was known, delivery takes it from a segment on, the first puts the one before', async () => {
    const { rig, a, job, other } = await live();
    const states = rig.statuses.length;
    const carry = { playoutDelayMs: 77, gainDb: -3, rtpToProgram: { atRtp: 1, atProgramMs: 2 } };
    a.say({ type: 'carry', sources: { [CAMERA]: carry } });
    a.say({ type: 'draining', seconds: 60 });
    const b = await warm(other);
    const [next] = b.all('job').map((message) => message.job);
    expect(next?.sources.find(({ id }) => id === CAMERA)?.carry).toEqual(carry);
    expect(next).toMatchObject({ startMs: job.startMs, grid: job.grid, renditions: job.renditions, scene: job.scene });
    expect(next?.fence).toBeGreaterThan(job.fence);
    const take = await rig.delivery.order('take', 2);
    expect(take).toMatchObject({ compositor: next?.compositor, fence: next?.fence });
    expect(take.from).toBeGreaterThanOrEqual(next?.firstSegment ?? 99);
    expect(a.all('stop')).toEqual([]);
    expect(await a.message('stop')).toEqual({ type: 'stop', lastSegment: take.from - 1 });
    await a.closed;
    await eventually(async () => (await handoffs(rig)).length > 0);
    expect(await handoffs(rig)).toEqual([['drain', 'done', 1]]);
    b.stats({ fps: 29, bitrate: 4_711 });
    await rig.status(({ bitrate }) => bitrate === 4_711);
    // Nobody was told of anything.
    expect(new Set(rig.statuses.slice(states).map(({ state, restarts }) => `${state} ${restarts}`))).toEqual(
      new Set(['live 0']),
    );
  });

  test('who looks at the program gets the next one’s before the last one’s ends', async () => {
    const { rig, a, other } = await live();
    const { monitors } = rig.room;
    monitors.want(true);
    const first = (await a.message('return')).video?.ssrc;
    const ssrcs = () => monitors.streams.map(({ producer }) => producer.rtpParameters.encodings?.[0]?.ssrc);
    await eventually(async () => ssrcs().length === 1);
    // It ends when the test says so.
    a.answers.delete('ended');
    a.say({ type: 'draining', seconds: 60 });
    const b = await other.compositor();
    await b.message('job');
    expect(b.all('return')).toEqual([]);
    b.stats();
    const second = (await b.message('return')).video?.ssrc;
    await a.message('stop');
    await eventually(async () => ssrcs().length === 2);
    expect(ssrcs()).toEqual([first, second]);
    a.say({ type: 'ended', reason: 'stopped', lastSegment: 99, message: '' });
    await eventually(async () => ssrcs().length === 1);
    expect(ssrcs()).toEqual([second]);
  });

  test('as soon as it has given a compositor, before there is a program', async () => {
    const other = new FakeAgent();
    other.refuse = true;
    const rig = await StudioRig.create(new FakeAgent(), {}, [other]);
    rigs.push(rig);
    const starting = rig.start();
    const a = await rig.agent.compositor();
    other.refuse = false;
    await a.message('open');
    a.say({ type: 'draining', seconds: 60 });
    await starting;
    await warm(other);
    expect(await a.message('stop')).toMatchObject({ lastSegment: expect.any(Number) });
  });

  test('a change of the room while two are at work reaches both', async () => {
    const { rig, a, other } = await live();
    a.say({ type: 'draining', seconds: 60 });
    const b = await warm(other);
    rig.room.setScene({ background: '#123456' });
    const jobs = await Promise.all([a, b].map((run) => run.job(({ scene }) => scene.background === '#123456')));
    expect(jobs.map(({ sources }) => sources.length)).toEqual([2, 2]);
  });

  test('a delivery node that is connected to anew hears of the owner at work, and of the newest take', async () => {
    const { rig, a, job, other } = await live();
    a.say({ type: 'draining', seconds: 60 });
    await (await other.compositor()).message('job');
    rig.delivery.cut();
    // The controller's own fence, whatever compositors it has.
    const { fence } = await rig.delivery.order('open', 2);
    expect(fence).toBe((await rig.delivery.order('open')).fence);
    expect(fence).toBeLessThan(job.fence);
    const b = await warm(other);
    const taken = await rig.delivery.order('take', 3);
    expect(taken.compositor).toBe(b.all('job')[0]?.job.compositor);
  });
});

describe('the successor is lost', () => {
  test('after delivery was told of it: taken back, with a fence that the one at work has by then', async () => {
    const { rig, a, job, other } = await live();
    a.say({ type: 'draining', seconds: 60 });
    const b = await warm(other);
    const take = await rig.delivery.order('take', 2);
    b.cut();
    const back = await rig.delivery.order('take', 3);
    expect(back).toMatchObject({ from: take.from, compositor: job.compositor });
    expect(back.fence).toBeGreaterThan(take.fence);
    const renewed = await a.job(({ fence }) => fence === back.fence);
    expect(renewed).toMatchObject({ compositor: job.compositor, firstSegment: job.firstSegment });
    expect(a.all('stop')).toEqual([]);
    // And again, with another one.
    const next = await other.compositor(2);
    await next.message('job');
    next.stats();
    expect(await a.message('stop')).toMatchObject({ lastSegment: (await rig.delivery.order('take', 4)).from - 1 });
    expect(rig.broadcasts.status('demo')).toMatchObject({ state: 'live', restarts: 0 });
  });
});

describe('an agent goes, and there is no place elsewhere', () => {
  test('the broadcast stays live where it is, waits in the queue, and is handed over when there is a place', async () => {
    const { rig, a, other } = await live();
    other.refuse = true;
    a.say({ type: 'draining', seconds: 60 });
    const waiting = async () =>
      (await rig.metrics.pending.get()).values.find(
        ({ labels }) => labels.kind === 'handover' && labels.reason === 'no-capacity',
      )?.value;
    await eventually(async () => (await waiting()) === 1);
    expect(rig.broadcasts.status('demo')).toMatchObject({ state: 'live', position: null, restarts: 0 });
    other.refuse = false;
    await warm(other);
    await a.closed;
    await eventually(async () => (await handoffs(rig)).length > 0);
    expect([await handoffs(rig), await waiting()]).toEqual([[['drain', 'done', 1]], 0]);
  });

  test('its compositor is lost meanwhile: it recovers with a position, and whoever has a place takes it', async () => {
    const { rig, a, other } = await live();
    other.refuse = true;
    rig.agent.refuse = true;
    a.say({ type: 'draining', seconds: 60 });
    a.cut();
    await rig.status((s) => s.state === 'recovering' && s.position === 1);
    other.refuse = false;
    const b = await other.compositor();
    await b.message('job');
    expect(await rig.status((s) => s.state === 'live' && s.restarts === 1)).toMatchObject({ position: null });
  });

  test('one that waits for longer than it may has failed', async () => {
    const rig = await StudioRig.create(new FakeAgent(), { recoveryMs: 300 });
    rigs.push(rig);
    await rig.start();
    rig.agent.refuse = true;
    (await rig.agent.compositor()).cut();
    expect(await rig.status((s) => s.state === 'failed')).toMatchObject({ endReason: 'failed', position: null });
  });
});

describe('somebody asks', () => {
  test('who asks twice has one handoff', async () => {
    const { rig, other } = await live();
    const asked = [rig.broadcasts.handOver('demo'), rig.broadcasts.handOver('demo')];
    await warm(other);
    expect((await Promise.all(asked)).map(({ state }) => state)).toEqual(['live', 'live']);
    expect(await handoffs(rig)).toEqual([['request', 'done', 1]]);
    expect(other.compositors).toHaveLength(1);
  });

  test('there is no other agent, or it has no place: the broadcast stays where it is', async () => {
    const { rig, a } = await live({ elsewhere: false });
    await expect(rig.broadcasts.handOver('demo')).rejects.toMatchObject({ code: 'no-capacity' });
    const { rig: full, other } = await live();
    other.refuse = true;
    await expect(full.broadcasts.handOver('demo')).rejects.toMatchObject({ code: 'no-capacity' });
    expect(full.broadcasts.status('demo')).toMatchObject({ state: 'live', restarts: 0 });
    expect(a.all('stop')).toEqual([]);
  });

  test('the broadcast ends meanwhile: both compositors are gone', async () => {
    const { rig, a, other } = await live();
    const asked = rig.broadcasts.handOver('demo');
    asked.catch(() => {});
    const b = await other.compositor();
    await b.message('job');
    expect((await rig.broadcasts.stop('demo', 'stopped')).state).toBe('ended');
    await expect(asked).rejects.toMatchObject({ code: 'conflict' });
    await Promise.all([a.closed, b.closed]);
  });

  test('nothing is live', async () => {
    const { rig } = await live();
    await expect(rig.broadcasts.handOver('nowhere')).rejects.toMatchObject({ code: 'no-broadcast' });
  });
});
