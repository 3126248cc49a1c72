import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { BroadcastsOptions } from '../../src/broadcast/Broadcasts.ts';
import { monotonicClock } from '../../src/common/clock.ts';
import { AppError } from '../../src/contracts/errors.ts';
import { FakeAgent } from '../support/broadcast/FakeAgent.ts';
import { eventually } from '../support/broadcast/processes.ts';
import { StudioRig } from '../support/broadcast/StudioRig.ts';

const ANNA = 'paaaaaaaa';
const BERT = 'pbbbbbbbb';
const rigs: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.close()));
});

async function setUp(options: Partial<BroadcastsOptions> = {}): Promise<StudioRig> {
  const rig = await StudioRig.create(new FakeAgent(), options);
  rigs.push(rig);
  return rig;
}

/** Live, with one guest who sends a camera of three layers and a microphone. */
async function live(options: Partial<BroadcastsOptions> = {}) {
  const rig = await setUp(options);
  const { camera, microphone } = await rig.guest(ANNA, 3);
  rig.sfu.streamer.start();
  const status = await rig.start();
  const compositor = await rig.agent.compositor();
  const { job } = await compositor.message('job');
  return { rig, status, compositor, job, camera, microphone };
}

const ssrcOf = (job: { sources: { id: string; ssrc: number }[] }, id: string): number =>
  job.sources.find((s) => s.id === id)?.ssrc ?? 0;

describe('going live', () => {
  test('opens delivery, takes from segment 0, and gives the compositor the whole room', async () => {
    const { rig, status, compositor, job } = await live();
    const open = await rig.delivery.order('open');
    const take = await rig.delivery.order('take');
    expect(status).toMatchObject({
      state: 'live',
      playlist: '/live/demo/index.m3u8',
      startedAt: open.epoch,
      restarts: 0,
    });
    expect(take).toMatchObject({ from: 0, compositor: job.compositor, fence: job.fence });
    expect(open).toMatchObject({
      room: 'demo',
      broadcast: status.id,
      grid: { fps: 30, framesPerSegment: 60 },
    });
    // The controller's own; compositors' are higher.
    expect(open.fence).toBeLessThan(job.fence);
    expect(job).toMatchObject({
      broadcast: status.id,
      startMs: open.startMs,
      epoch: open.epoch,
      firstSegment: 0,
      fromFrame: 0,
    });
    expect(job.renditions).toEqual(open.renditions);
    expect(job.peers).toEqual([{ id: ANNA, name: ANNA }]);
    expect(job.sources.map(({ id, mime, clockRate, paused }) => ({ id, mime, clockRate, paused }))).toEqual([
      { id: `${ANNA}.camera`, mime: 'video/VP8', clockRate: 90_000, paused: false },
      { id: `${ANNA}.microphone`, mime: 'audio/opus', clockRate: 48_000, paused: false },
    ]);
    expect(new Set(job.sources.map((s) => s.ssrc)).size).toBe(2);
    expect(compositor.all('connect')).toHaveLength(1);
    expect(rig.broadcasts.isLive('demo')).toBe(true);
  });

  test('media flows only once the compositor is ready', async () => {
    const rig = await setUp();
    rig.agent.answers = ['bound', 'applied', 'ended'];
    await rig.guest(ANNA);
    rig.sfu.streamer.start();
    const starting = rig.start();
    const compositor = await rig.agent.compositor();
    const { job } = await compositor.message('job');
    // Half a second of packets reach the SFU, and none the compositor.
    await delay(500);
    expect(compositor.packets.size).toBe(0);
    compositor.say({ type: 'ready' });
    for (const { ssrc } of job.sources) await compositor.morePackets(ssrc);
    expect((await starting).state).toBe('live');
  });

  test('is idempotent: the second start answers the running broadcast', async () => {
    const { rig, status } = await live();
    const again = await rig.start({ video: { width: 640, height: 360 } });
    expect(again.id).toBe(status.id);
    expect(again.video.width).toBe(1280);
    expect(rig.agent.compositors).toHaveLength(1);
  });

  test('without a free compositor it waits, and starts by itself when one is free', async () => {
    const rig = await setUp();
    rig.agent.refuse = true;
    const waits = await rig.start({ record: true });
    expect(waits).toMatchObject({ state: 'pending', position: 1, waitReason: 'no-capacity', startedAt: null });
    expect(await rig.start()).toMatchObject({ id: waits.id, state: 'pending' });
    expect(rig.broadcasts.isLive('demo')).toBe(true);
    rig.agent.refuse = false;
    const live = await rig.status((s) => s.state === 'live');
    expect(live).toMatchObject({ id: waits.id, position: null, waitReason: null });
    expect([...new Set(rig.statuses.map(({ state }) => state))]).toEqual(['starting', 'pending', 'live']);
  });

  test('one that waits can be stopped: nothing was ever recorded, and nobody is asked any more', async () => {
    const rig = await setUp();
    rig.agent.refuse = true;
    await rig.start({ record: true, destinations: [{ url: 'rtmp://127.0.0.1/live', key: 'k' }] });
    const ended = await rig.broadcasts.stop('demo', 'stopped');
    expect(ended).toMatchObject({ state: 'ended', endReason: 'stopped', position: null, recording: null });
    expect(ended.destinations.map(({ state }) => state)).toEqual(['stopped']);
    rig.agent.refuse = false;
    const next = await rig.start();
    expect(next.state).toBe('live');
    expect(next.id).not.toBe(ended.id);
    expect(rig.agent.compositors).toHaveLength(1);
  });

  test('what it costs is said when a compositor is asked for, and again when it has changed', async () => {
    const rig = await setUp();
    rig.agent.countsSlots = true;
    await rig.start();
    const compositor = await rig.agent.compositor();
    const { slots } = await compositor.message('open');
    expect(slots).toBeGreaterThan(0.7);
    for (const peer of [ANNA, 'pcccccccc', 'pdddddddd', 'peeeeeeee']) await rig.guest(peer);
    expect((await compositor.message('slots')).slots).toBeGreaterThan(slots);
    await eventually(
      async () => (await rig.metrics.demand.get()).values[0]?.value === compositor.all('slots').at(-1)?.slots,
    );
  });

  test('an agent of before is told nothing of slots', async () => {
    const { rig, compositor } = await live();
    for (const peer of ['pcccccccc', 'pdddddddd', 'peeeeeeee']) await rig.guest(peer);
    await compositor.job((job) => job.peers.length === 4);
    expect(compositor.all('slots')).toEqual([]);
  });

  test('a refused destination starts nothing', async () => {
    const rig = await setUp({
      destinationPolicy: async () => {
        throw new AppError('destination-refused');
      },
    });
    await expect(rig.start({ destinations: [{ url: 'rtmp://10.0.0.1/live', key: 'k' }] })).rejects.toMatchObject({
      code: 'destination-refused',
    });
    expect(rig.broadcasts.status('demo')).toBeNull();
    expect(rig.agent.compositors).toHaveLength(0);
  });

  test('a compositor that dies before it is ready is replaced', async () => {
    const rig = await setUp();
    rig.agent.answers = ['bound'];
    const starting = rig.start();
    const first = await rig.agent.compositor();
    await first.message('job');
    rig.agent.answers = ['bound', 'ready', 'applied', 'ended'];
    first.say({ type: 'ended', reason: 'crashed', lastSegment: null, message: 'signal SIGSEGV' });
    expect((await starting).state).toBe('live');
    const { job } = await (await rig.agent.compositor(2)).message('job');
    const { job: before } = await first.message('job');
    expect(job.fence).toBeGreaterThan(before.fence);
    expect(job.startMs).toBe(before.startMs);
  });

  test('clock questions are answered on both links with the controller’s clock', async () => {
    const { rig, compositor } = await live();
    const before = monotonicClock.now();
    compositor.say({ type: 'clock-ask', t0: 1234.5 });
    rig.delivery.report({ type: 'clock-ask', t0: 99.5 });
    for (const { t0, t1, t2 } of [await compositor.message('clock'), await rig.delivery.order('clock')]) {
      expect([1234.5, 99.5]).toContain(t0);
      expect(t1).toBeGreaterThanOrEqual(before);
      expect(t2).toBeGreaterThanOrEqual(t1);
      expect(t2).toBeLessThanOrEqual(monotonicClock.now());
    }
  });
});

describe('changes of the room', () => {
  test('who comes is in a whole new job, ahead of time, and is sent when it is applied', async () => {
    const { rig, compositor, job } = await live();
    compositor.answers.delete('applied');
    await rig.guest(BERT);
    const next = await compositor.job((j) => j.sources.length === 4);
    expect(next.peers.map((p) => p.id)).toEqual([ANNA, BERT]);
    expect(next.fromFrame).toBeGreaterThan(job.fromFrame);
    expect(ssrcOf(next, `${ANNA}.camera`)).toBe(ssrcOf(job, `${ANNA}.camera`));
    const ssrc = ssrcOf(next, `${BERT}.microphone`);
    await compositor.morePackets(ssrcOf(next, `${ANNA}.microphone`), 20);
    expect(compositor.packets.has(ssrc)).toBe(false);
    compositor.say({ type: 'applied', fromFrame: next.fromFrame });
    await compositor.morePackets(ssrc);
  });

  test('who leaves is gone from the next job', async () => {
    const { rig, compositor } = await live();
    await rig.guest(BERT);
    await compositor.job((j) => j.sources.length === 4);
    rig.room.leave(ANNA);
    const next = await compositor.job((j) => j.peers[0]?.id === BERT);
    expect(next.sources.every((s) => s.peer === BERT)).toBe(true);
  });

  test('many changes at once are few jobs, and the last one has them all', async () => {
    const { rig, compositor } = await live();
    const jobs = compositor.all('job').length;
    for (let i = 0; i < 50; i++) rig.room.setScene({ slateText: `line ${i}` });
    await compositor.job((j) => j.scene.slateText === 'line 49');
    expect(compositor.all('job').length - jobs).toBeLessThanOrEqual(3);
    const frames = compositor.all('job').map(({ job }) => job.fromFrame);
    expect(frames).toEqual([...new Set(frames)].sort((a, b) => a - b));
  });

  test('a change that means nothing to the program is no job', async () => {
    const { rig, compositor } = await live();
    const jobs = compositor.all('job').length;
    rig.room.emit('changed');
    rig.room.setScene({ slateText: 'something' });
    await compositor.job((j) => j.scene.slateText === 'something');
    expect(compositor.all('job').length).toBe(jobs + 1);
  });

  test('a muted microphone is in the job as paused', async () => {
    const { rig, compositor } = await live();
    rig.room.setPaused(`${ANNA}.microphone`, true);
    await compositor.job((j) => j.sources.some((s) => s.kind === 'microphone' && s.paused));
  });

  test('a camera that was shared anew gets a new SSRC', async () => {
    const { rig, compositor, job } = await live();
    rig.room.unpublish(`${ANNA}.camera`);
    await compositor.job((j) => j.sources.length === 1);
    await rig.share(ANNA);
    const next = await compositor.job((j) => j.fromFrame > job.fromFrame && j.sources.length === 2);
    expect(ssrcOf(next, `${ANNA}.camera`)).not.toBe(ssrcOf(job, `${ANNA}.camera`));
  });

  test('applyScene sends a job at once and names its first frame', async () => {
    const { rig, compositor } = await live();
    expect(await rig.broadcasts.applyScene('nobody')).toBeNull();
    rig.room.scene = { version: 2, scene: { ...rig.room.scene.scene, slateText: 'new' } };
    const fromFrame = await rig.broadcasts.applyScene('demo');
    const next = await compositor.job((j) => j.scene.slateText === 'new');
    expect(next.fromFrame).toBe(fromFrame);
  });

  test('another router: joined by a new transport, the compositor goes on', async () => {
    const { rig, compositor, job } = await live();
    const other = await rig.anotherSfu();
    rig.room.replaceRouter(other.router);
    const side = await compositor.message('connect', 2);
    expect(side.port).not.toBe((await compositor.message('connect')).port);
    const again = await rig.share(ANNA, other);
    other.streamer.start();
    const next = await compositor.job((j) => j.sources.length === 1 && j.fromFrame > job.fromFrame);
    await compositor.morePackets(ssrcOf(next, again));
    expect(rig.agent.compositors).toHaveLength(1);
    expect(rig.broadcasts.status('demo')).toMatchObject({ state: 'live', restarts: 0 });
  });
});

describe('what is seen', () => {
  test('the layer follows the size, and what is not seen is not sent', async () => {
    const { rig, compositor, job } = await live();
    const ssrc = ssrcOf(job, `${ANNA}.camera`);
    const consumers = rig.consumers();
    const camera = consumers.find((c) => c.kind === 'video');
    // Alone it fills the program: the highest layer, before the compositor has said anything.
    await eventually(() => camera?.preferredLayers?.spatialLayer === 2);
    await compositor.morePackets(ssrc);
    compositor.say({ type: 'seen', sources: { [`${ANNA}.camera`]: { width: 320, height: 180 } } });
    await eventually(() => camera?.preferredLayers?.spatialLayer === 0);
    compositor.say({ type: 'seen', sources: { [`${ANNA}.camera`]: { width: 640, height: 360 } } });
    await eventually(() => camera?.preferredLayers?.spatialLayer === 1);
    compositor.say({ type: 'seen', sources: {} });
    await eventually(() => camera?.paused === true);
    // Sound has no size.
    await compositor.morePackets(ssrcOf(job, `${ANNA}.microphone`));
    compositor.say({ type: 'seen', sources: { [`${ANNA}.camera`]: { width: 1280, height: 720 } } });
    await compositor.morePackets(ssrc);
  });

  test('retransmissions can be asked for, of sound as well, and mediasoup makes no bandwidth estimate', async () => {
    const { rig } = await live();
    for (const consumer of rig.consumers()) {
      const { codecs, headerExtensions } = consumer.rtpParameters;
      expect(headerExtensions).toEqual([]);
      expect(codecs).toHaveLength(1);
      const feedback = codecs[0]?.rtcpFeedback?.map((f) => `${f.type} ${f.parameter}`.trim());
      expect(feedback).toContain('nack');
      expect(feedback).not.toContain('transport-cc');
      expect(feedback).not.toContain('goog-remb');
    }
  });
});

describe('the video encoder', () => {
  const encoderOf = async (rig: StudioRig, count: number) =>
    (await (await rig.agent.compositor(count)).message('job')).job.encoder;

  test('what the first compositor really uses, all its successors are told, although it died before it was ready', async () => {
    const rig = await setUp({ videoEncoder: 'h264_nvenc' });
    rig.agent.answers = ['bound', 'applied', 'ended'];
    await rig.guest(ANNA);
    const starting = rig.start();
    const first = await rig.agent.compositor();
    expect(await encoderOf(rig, 1)).toMatchObject({ codec: 'h264_nvenc', fallback: true });
    first.say({ type: 'encoder', codec: 'libx264' });
    rig.agent.answers = ['bound', 'ready', 'applied', 'ended'];
    first.say({ type: 'ended', reason: 'crashed', lastSegment: null, message: 'signal SIGKILL' });
    await starting;
    expect(await encoderOf(rig, 2)).toMatchObject({ codec: 'libx264', fallback: false });
    // What a later one says changes nothing.
    const second = await rig.agent.compositor(2);
    second.say({ type: 'encoder', codec: 'h264_qsv' });
    second.say({ type: 'ended', reason: 'crashed', lastSegment: 3, message: 'signal SIGKILL' });
    expect(await encoderOf(rig, 3)).toMatchObject({ codec: 'libx264', fallback: false });
  });

  test('libx264 is not a choice', async () => {
    const { job } = await live();
    expect(job.encoder).toMatchObject({ codec: 'libx264', fallback: false });
  });
});

describe('CPU pressure', () => {
  test('is told in status and metrics; the lower layer stays when a new job comes, and the higher one is back afterwards', async () => {
    const { rig, compositor } = await live();
    for (const peer of [BERT, 'pcccccccc', 'pdddddddd']) await rig.guest(peer);
    const four = await compositor.job((job) => job.sources.length === 8);
    const consumer = rig
      .consumers()
      .find(({ rtpParameters }) =>
        rtpParameters.encodings?.some(({ ssrc }) => ssrc === ssrcOf(four, `${ANNA}.camera`)),
      );
    const layer = (wanted: number) => eventually(() => consumer?.preferredLayers?.spatialLayer === wanted);
    const camera = (width: number, height: number) => ({ [`${ANNA}.camera`]: { width, height } });
    await layer(1);
    compositor.say({ type: 'degraded', step: 'lower-layers', fromFrame: 70 });
    compositor.say({ type: 'seen', sources: camera(320, 180) });
    await rig.status((status) => status.degradation === 'lower-layers');
    await layer(0);
    await rig.broadcasts.applyScene('demo');
    // What the controller wishes at a new job is settled before the compositor's next word.
    compositor.say({ type: 'degraded', step: 'half-source-rate', fromFrame: 90 });
    await rig.status((status) => status.degradation === 'half-source-rate');
    expect(consumer?.preferredLayers?.spatialLayer).toBe(0);
    expect((await rig.metrics.degradation.get()).values).toEqual([
      { labels: { step: 'lower-layers' }, value: 0 },
      { labels: { step: 'half-source-rate' }, value: 1 },
    ]);
    compositor.say({ type: 'degraded', step: 'none', fromFrame: 120 });
    compositor.say({ type: 'seen', sources: camera(640, 360) });
    await layer(1);
    const told = rig.statuses.length;
    compositor.say({ type: 'degraded', step: 'lower-layers', fromFrame: 150 });
    await rig.status((status) => status.degradation === 'lower-layers', told);
    // With the compositor its step is gone.
    compositor.cut();
    await rig.status((status) => status.degradation === 'none', told);
  });
});

describe('a compositor is lost', () => {
  test.each([
    [
      'it says so',
      (c: Awaited<ReturnType<typeof live>>['compositor']) =>
        c.say({ type: 'ended', reason: 'crashed', lastSegment: 3, message: 'signal SIGKILL' }),
    ],
    ['its connection breaks', (c: Awaited<ReturnType<typeof live>>['compositor']) => c.cut()],
  ])('%s: a new one goes on at a later boundary of the same grid', async (_, lose) => {
    const { rig, status, compositor, job } = await live();
    const carry = { playoutDelayMs: 80, gainDb: -2, rtpToProgram: { atRtp: 1, atProgramMs: 2 } };
    compositor.say({ type: 'carry', sources: { [`${ANNA}.camera`]: carry, [`${ANNA}.microphone`]: carry } });
    compositor.stats({ lateFrames: 3 });
    await rig.status((s) => s.lateFrames === 3);
    lose(compositor);
    await rig.status((s) => s.state === 'recovering');
    const next = (await (await rig.agent.compositor(2)).message('job')).job;
    await eventually(() => rig.broadcasts.status('demo')?.state === 'live');
    const take = await rig.delivery.order('take', 2);
    expect(take).toMatchObject({ from: next.firstSegment, compositor: next.compositor, fence: next.fence });
    expect(next).toMatchObject({ broadcast: status.id, epoch: job.epoch, startMs: job.startMs, grid: job.grid });
    expect(next.fence).toBeGreaterThan(job.fence);
    expect(next.compositor).not.toBe(job.compositor);
    expect(next.firstSegment).toBeGreaterThan(0);
    expect(next.fromFrame).toBe(next.firstSegment * 60);
    expect(next.sources.find((s) => s.kind === 'microphone')?.carry).toEqual(carry);
    // A new consumer of simulcast has a timeline of its own.
    expect(next.sources.find((s) => s.kind === 'camera')?.carry).toEqual({ ...carry, rtpToProgram: null });
    await (await rig.agent.compositor(2)).morePackets(ssrcOf(next, `${ANNA}.microphone`));
    (await rig.agent.compositor(2)).stats({ lateFrames: 1 });
    await rig.status((s) => s.restarts === 1 && s.lateFrames === 4 && s.state === 'live');
    expect(rig.delivery.all('open')).toHaveLength(1);
  });

  test('delivery gets no parts: given up, although its connection stands', async () => {
    const { rig, compositor } = await live();
    const late = (count: number) =>
      rig.delivery.report({ type: 'late', rendition: 'v720', segment: 0, part: count, count });
    // Parts that come, however late, are a sign of life.
    rig.delivery.report({ type: 'part', segment: 0, part: 0 });
    late(3);
    const feeding = setInterval(() => late(4), 50);
    await compositor.closed;
    clearInterval(feeding);
    await rig.status((s) => s.restarts === 1 && s.state === 'live');
  });

  test('when there is none to be had it goes on asking', async () => {
    const { rig, compositor } = await live();
    rig.agent.refuse = true;
    compositor.cut();
    await rig.status((s) => s.state === 'recovering');
    await delay(300);
    rig.agent.refuse = false;
    await eventually(() => rig.broadcasts.status('demo')?.state === 'live');
  });
});

describe('what can not be had for long', () => {
  /** The real clock, and a minute more when the test says so. */
  function minuteHand() {
    let ahead = 0;
    return {
      clock: { now: () => monotonicClock.now() + ahead },
      pass: () => {
        ahead += 61_000;
      },
    };
  }

  test('no compositor for as long as it may wait: failed, playlists closed', async () => {
    const { rig, compositor } = await live({ recoveryMs: 300 });
    rig.agent.refuse = true;
    compositor.cut();
    await rig.status((s) => s.state === 'recovering' && s.position === 1);
    expect(await rig.status((s) => s.state === 'failed')).toMatchObject({ endReason: 'failed', position: null });
    expect(rig.delivery.all('end')).toHaveLength(1);
    expect(rig.broadcasts.isLive('demo')).toBe(false);
  });

  test('no delivery for as long as it keeps a broadcast: failed', async () => {
    const { clock, pass } = minuteHand();
    const { rig, compositor } = await live({ clock });
    rig.delivery.down = true;
    rig.delivery.cut();
    await delay(100);
    expect(rig.broadcasts.status('demo')?.state).toBe('live');
    pass();
    expect(await rig.status((s) => s.state === 'failed')).toMatchObject({ endReason: 'failed' });
    await compositor.closed;
  });
});

describe('the end', () => {
  test('stop: the compositor first, then delivery', async () => {
    const { rig, compositor } = await live();
    compositor.answers.delete('ended');
    const stopping = rig.broadcasts.stop('demo', 'stopped');
    await compositor.message('stop');
    expect(rig.delivery.all('end')).toHaveLength(0);
    compositor.say({ type: 'ended', reason: 'stopped', lastSegment: 4, message: '' });
    expect(await stopping).toMatchObject({ state: 'ended', endReason: 'stopped' });
    expect(rig.delivery.all('end')).toHaveLength(1);
    expect(rig.broadcasts.status('demo')).toMatchObject({ state: 'ended', endReason: 'stopped' });
    await expect(rig.broadcasts.stop('demo', 'stopped')).rejects.toMatchObject({ code: 'no-broadcast' });
  });

  test('and a new broadcast can start while the last one is ending', async () => {
    const { rig, status, compositor } = await live();
    compositor.answers.delete('ended');
    const stopping = rig.broadcasts.stop('demo', 'stopped');
    await compositor.message('stop');
    const starting = rig.start();
    compositor.say({ type: 'ended', reason: 'stopped', lastSegment: 4, message: '' });
    expect((await stopping).id).toBe(status.id);
    const next = await starting;
    expect(next.state).toBe('live');
    expect(next.id).not.toBe(status.id);
  });

  test('stop before it is live', async () => {
    const rig = await setUp();
    rig.agent.answers = ['bound', 'ended'];
    const starting = rig.start();
    starting.catch(() => {});
    await (await rig.agent.compositor()).message('job');
    expect(await rig.broadcasts.stop('demo', 'stopped')).toMatchObject({ state: 'ended' });
    await expect(starting).rejects.toMatchObject({ code: 'conflict' });
  });

  test('stop while no compositor is to be had', async () => {
    const { rig, compositor } = await live();
    rig.agent.refuse = true;
    compositor.cut();
    await rig.status((s) => s.state === 'recovering');
    expect(await rig.broadcasts.stop('demo', 'stopped')).toMatchObject({ state: 'ended', endReason: 'stopped' });
    expect(rig.delivery.all('end')).toHaveLength(1);
  });

  test('an empty room ends after its grace time, unless somebody comes', async () => {
    const rig = await setUp();
    await rig.start({ emptyGraceSeconds: 1 });
    rig.room.join(ANNA);
    await delay(1_500);
    expect(rig.broadcasts.status('demo')?.state).toBe('live');
    rig.room.leave(ANNA);
    expect(await rig.status((s) => s.state === 'ended')).toMatchObject({ endReason: 'empty' });
  });

  test('closes with its room', async () => {
    const { rig } = await live();
    rig.room.close();
    expect(await rig.status((s) => s.state === 'ended')).toMatchObject({ endReason: 'room-closed' });
  });

  test('closes with its parent, and refuses when closed', async () => {
    const { rig, compositor } = await live();
    await Promise.all([rig.broadcasts.close(), rig.broadcasts.close()]);
    expect(rig.broadcasts.status('demo')).toMatchObject({ state: 'ended', endReason: 'shutdown' });
    await compositor.closed;
    await expect(rig.start()).rejects.toMatchObject({ code: 'shutting-down' });
  });
});

describe('delivery', () => {
  test('a lost connection is made anew with the controller’s fence, destinations and the newest take', async () => {
    const { rig } = await live();
    const { fence } = await rig.delivery.order('open');
    const { id } = await rig.broadcasts.addDestination('demo', {
      name: 'cdn',
      url: 'rtmp://cdn.example/app',
      key: 'k1',
      reconnectSeconds: 90,
    });
    await rig.delivery.order('add-destination');
    rig.delivery.cut();
    const again = await rig.delivery.order('open', 2);
    expect(again).toMatchObject({
      fence,
      destinations: [{ id, url: 'rtmp://cdn.example/app/k1', reconnectSeconds: 90 }],
    });
    await rig.delivery.order('take', 2);
    rig.delivery.report({ type: 'stats', bitrate: 1, viewers: 7, latencyMs: null, stalledPercent: null });
    await rig.status((s) => s.viewers === 7);
    expect(rig.broadcasts.status('demo')?.state).toBe('live');
  });

  test('destinations: the key is joined to the URL, kept from everybody else, and removable', async () => {
    const { rig } = await live();
    const added = await rig.broadcasts.addDestination('demo', {
      name: 'cdn',
      url: 'rtmp://cdn.example:1936/app/',
      key: 'k?a=b',
      reconnectSeconds: null,
    });
    expect(added).toMatchObject({ name: 'cdn', target: 'rtmp://cdn.example:1936/app', state: 'connecting' });
    const { destination } = await rig.delivery.order('add-destination');
    expect(destination.url).toBe('rtmp://cdn.example:1936/app/k?a=b');
    rig.delivery.report({ type: 'destination', status: { ...added, state: 'live', connects: 1 } });
    await rig.status((s) => s.destinations[0]?.state === 'live');
    expect(JSON.stringify(rig.statuses)).not.toContain('k?a=b');
    await rig.broadcasts.removeDestination('demo', added.id);
    expect(await rig.delivery.order('remove-destination')).toMatchObject({ id: added.id });
    expect(rig.broadcasts.status('demo')?.destinations).toEqual([]);
    await expect(rig.broadcasts.removeDestination('demo', added.id)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('figures are told at most once a second, states at once', async () => {
    const { rig, compositor } = await live();
    const before = rig.statuses.length;
    for (let i = 0; i < 20; i++) compositor.stats({ fps: i });
    await rig.status((s) => s.fps === 19, before);
    expect(rig.statuses.length - before).toBeLessThanOrEqual(2);
  });
});

describe('the program for those who look at it in the room', () => {
  const streamsOf = (rig: StudioRig) =>
    rig.room.monitors.streams.map(({ producer, listener }) => ({
      listener,
      ssrc: producer.rtpParameters.encodings?.[0]?.ssrc,
    }));
  const wished = async (rig: StudioRig, count: number) => {
    await eventually(async () => rig.room.monitors.streams.length === count);
    return streamsOf(rig);
  };

  test('is ordered when somebody wants it, and no longer; each stream is told to the room and to the compositor alike', async () => {
    const rig = await setUp();
    rig.agent.returns = true;
    await rig.start();
    const compositor = await rig.agent.compositor();
    rig.room.monitors.want(true);
    const [video] = await wished(rig, 1);
    expect(video?.listener).toBeNull();
    expect(await compositor.message('return')).toMatchObject({ video: { ssrc: video?.ssrc }, sounds: [] });
    rig.room.monitors.want(true, ANNA, BERT);
    const three = await wished(rig, 3);
    // Whoever looked already goes on.
    expect(three[0]).toEqual(video);
    expect(await compositor.message('return', 2)).toMatchObject({
      video: { ssrc: video?.ssrc },
      sounds: [
        { peer: ANNA, ssrc: three[1]?.ssrc },
        { peer: BERT, ssrc: three[2]?.ssrc },
      ],
    });
    rig.room.monitors.want(false, BERT);
    await compositor.message('return', 3);
    expect(streamsOf(rig)).toEqual([three[2]]);
    rig.room.monitors.want(false);
    expect(await compositor.message('return', 4)).toEqual({ type: 'return', video: null, sounds: [] });
    expect(rig.room.monitors.streams).toEqual([]);
  });

  test('comes from the next compositor when one is lost, and from a new router', async () => {
    const rig = await setUp();
    rig.agent.returns = true;
    rig.room.monitors.want(true);
    await rig.start();
    const first = await rig.agent.compositor();
    await first.message('return');
    const [old] = await wished(rig, 1);
    const after = rig.statuses.length;
    first.cut();
    const second = await rig.agent.compositor(2);
    const { video } = await second.message('return');
    await rig.status((s) => s.state === 'live', after);
    expect(video?.ssrc).not.toBe(old?.ssrc);
    expect(streamsOf(rig)).toEqual([{ listener: null, ssrc: video?.ssrc }]);
    const other = await rig.anotherSfu();
    rig.room.replaceRouter(other.router);
    const again = await second.message('return', 2);
    await eventually(async () => streamsOf(rig).at(-1)?.ssrc === again.video?.ssrc);
    await rig.broadcasts.stop('demo', 'stopped');
    expect(rig.room.monitors.streams).toEqual([]);
  });

  test('a compositor of before is not asked', async () => {
    const { rig, compositor } = await live();
    rig.room.monitors.want(true, ANNA);
    await rig.guest(BERT);
    await compositor.job((job) => job.peers.length === 2);
    expect(compositor.all('return')).toEqual([]);
    expect(rig.room.monitors.streams).toEqual([]);
  });
});
