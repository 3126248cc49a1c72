import { afterEach, describe, expect, test } from 'vitest';
import { CompositorMessage } from '../../src/contracts/control.ts';
import { audioFramesOfSegment } from '../../src/contracts/grid.ts';
import { ChildRig } from '../support/ChildRig.ts';
import { MediasoupRig, OPUS, sourceOf as sourceOfConsumer, srtpOf, VP8 } from '../support/ingest/MediasoupRig.ts';
import { vp8Payloads } from '../support/ingest/packetize.ts';
import { complaints, jobOf, opus, pictures, probe, samples, vp8 } from '../support/pipelineHarness.ts';

const FRAME_MS = 1000 / 30;
/** A program frame, and 12 ms: ingest may set another playout delay in between, which sound follows with up to that difference. */
const AV_TOLERANCE_MS = FRAME_MS + 12;

let rigs: { close(): unknown }[] = [];
afterEach(async () => {
  for (const rig of rigs) await rig.close();
  rigs = [];
});

async function child(): Promise<ChildRig> {
  const rig = await ChildRig.create();
  rigs.push(rig);
  return rig;
}

/** White for a tenth of each second, and a beep of 1 kHz with it. */
async function addFlashAndBeep(sfu: MediasoupRig): Promise<void> {
  const [dark] = await vp8('color=black:s=320x180:r=30', 0.1, 1);
  const [light] = await vp8('color=white:s=320x180:r=30', 0.1, 1);
  const beeps = await opus("aevalsrc='if(lt(mod(t\\,1)\\,0.1)\\,0.5*sin(2*PI*1000*t)\\,0)':s=48000", 3);
  const second = beeps.slice(50, 100);
  const common = { firstSequence: 65_500, firstTimestamp: 0xffff0000 };
  sfu.streamer.add({
    ...common,
    ssrc: 6001,
    payloadType: 96,
    clockRate: 90_000,
    frameMs: 1000 / 30,
    frame: (n) => vp8Payloads((n % 30 < 3 ? light : dark)!.data, n & 0x7fff),
  });
  sfu.streamer.add({
    ...common,
    ssrc: 5001,
    payloadType: 111,
    clockRate: 48_000,
    frameMs: 20,
    frame: (n) => [second[n % 50]!.data],
  });
}

/** The middle one, of an even number the larger of the two. */
const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

describe('compositor process', () => {
  test('from SRTP of a real mediasoup to parts: on the grid, in step, and a clean end', async () => {
    const rig = await child();
    const sfu = await MediasoupRig.create();
    rigs.push(sfu);
    await addFlashAndBeep(sfu);
    const producers = [await sfu.produce(VP8, [6001]), await sfu.produce(OPUS, [5001])];
    sfu.streamer.start();

    const transport = await sfu.output(await rig.open());
    rig.send({ type: 'connect', ip: '127.0.0.1', port: transport.tuple.localPort, srtpParameters: srtpOf(transport) });
    const consumers = [await sfu.consume(transport, producers[0]!), await sfu.consume(transport, producers[1]!)];
    const sources = [
      sourceOfConsumer(consumers[0]!, 'paaaaaaaa', 'camera'),
      sourceOfConsumer(consumers[1]!, 'paaaaaaaa', 'microphone'),
    ];
    const startMs = performance.now();
    const job = jobOf(sources, { startMs, deliveryUrl: rig.deliveryUrl, firstSegment: 3 });
    rig.job(job);
    await rig.next('ready');
    for (const consumer of consumers) await consumer.resume();
    const stats = await rig.next('stats', (message) => (message.stats.sources['paaaaaaaa.camera']?.decoded ?? 0) > 100);
    expect(stats.stats.sources['paaaaaaaa.camera']).toMatchObject({ width: 320, height: 180, lost: 0 });
    expect(stats.stats.clockErrorMs).toBeLessThan(50);
    await rig.next('carry', (message) => message.sources['paaaaaaaa.camera']?.rtpToProgram !== null);

    // A later job is answered with the frame from which it holds.
    rig.job({ ...job, fromFrame: 0, scene: { ...job.scene, background: '#ffffff' } });
    await rig.until(() => rig.messages.filter((message) => message.type === 'applied').length === 2);
    rig.send({ type: 'stop', lastSegment: 8 });
    const ended = await rig.next('ended');
    expect(ended).toMatchObject({ reason: 'stopped', lastSegment: 8 });
    expect(await rig.exited()).toEqual([0, null]);
    for (const message of rig.messages.slice(1)) expect(CompositorMessage.parse(message)).toBeTruthy();

    const { sink } = rig;
    for (const rendition of ['v360', 'a0']) {
      const places = sink.of(rendition).map(({ segment, part }) => segment * 3 + part);
      expect(places).toEqual(Array.from({ length: 18 }, (_, i) => 9 + i));
      expect(complaints(sink.file(rendition))).toBe('');
    }
    const video = sink.file('v360');
    expect(probe(video, 'packets', 'pts').map((p) => Number(p.pts))).toEqual(
      Array.from({ length: 180 }, (_, i) => (90 + i) * 3000),
    );

    // Flash to beep, each time, in what came out.
    const light = pictures(video, 640, 360).map((frame) => frame.at(320, 180)[0] > 150);
    const sound = samples(sink.file('a0'));
    const soundStart = audioFramesOfSegment(job.grid, 3).first * 1024;
    const flashes = light.flatMap((on, i) => (on && !light[i - 1] ? [3000 + i * FRAME_MS] : []));
    const beeps: number[] = [];
    for (const [i, v] of sound.entries()) {
      const ms = (soundStart + i) / 48;
      if (Math.abs(v) > 0.15 && ms - (beeps.at(-1) ?? -1000) > 500) beeps.push(ms);
    }
    // The first ones may fall into the beginning of decoding.
    const offsets = flashes.slice(1).map((flash) => Math.min(...beeps.map((beep) => Math.abs(beep - flash))));
    expect(offsets.length).toBeGreaterThanOrEqual(3);
    expect(median(offsets)).toBeLessThan(AV_TOLERANCE_MS);
    // A busy machine may have the one or the other picture a frame late; the largest on a calm one is measured by `bench cadence`.
    expect(Math.max(...offsets)).toBeLessThan(AV_TOLERANCE_MS + FRAME_MS);
  });

  test('without anybody it sends the slate, and a plain stop ends with the parts that are whole', async () => {
    const rig = await child();
    await rig.open();
    rig.job(jobOf([], { startMs: performance.now(), deliveryUrl: rig.deliveryUrl, firstSegment: 2 }));
    await rig.next('ready');
    expect([...rig.sink.inits.keys()].sort()).toEqual(['a0', 'v360']);
    // The picture's slate is made frame by frame beside the program.
    await rig.until(() => rig.sink.slates.size === 2);
    await rig.until(() => rig.sink.of('a0').length >= 2);
    rig.send({ type: 'stop' });
    expect(await rig.next('ended')).toMatchObject({ reason: 'stopped' });
    expect(await rig.exited()).toEqual([0, null]);
  });

  test('a lost channel, a refused fence and a job it cannot do each end it, and nothing is left', async () => {
    const lost = await child();
    await lost.open();
    lost.process.disconnect();
    expect((await lost.exited())[0]).toBe(0);

    const fenced = await child();
    fenced.answer = { status: 409, body: JSON.stringify({ error: { code: 'stale-fence', message: '' } }) };
    await fenced.open();
    fenced.job(jobOf([], { startMs: performance.now(), deliveryUrl: fenced.deliveryUrl, firstSegment: 1 }));
    expect(await fenced.next('ended')).toMatchObject({ reason: 'fenced' });
    expect(await fenced.exited()).toEqual([0, null]);

    const unable = await child();
    await unable.open();
    const job = jobOf([], { startMs: performance.now(), deliveryUrl: unable.deliveryUrl });
    unable.send({ type: 'nonsense' });
    unable.job({ ...job, renditions: [job.renditions[0]!, job.renditions[0]!] });
    expect(await unable.next('ended')).toMatchObject({
      reason: 'crashed',
      message: expect.stringContaining('different names, and a0'),
    });
    expect(await unable.exited()).toEqual([1, null]);
  });
});
