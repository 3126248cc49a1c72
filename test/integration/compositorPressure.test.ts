/** A real compositor process beside processes that take every core: it gives way step by step, and comes back. */
import { afterEach, expect, test } from 'vitest';
import { raisePriority } from '../../src/common/raisePriority.ts';
import { DegradationStep } from '../../src/contracts/degradation.ts';
import { ChildRig } from '../support/ChildRig.ts';
import { CpuHog } from '../support/CpuHog.ts';
import { MediasoupRig, sourceOf as sourceOfConsumer, srtpOf, VP8 } from '../support/ingest/MediasoupRig.ts';
import { vp8Payloads } from '../support/ingest/packetize.ts';
import { complaints, jobOf, PEERS, probe, vp8 } from '../support/pipelineHarness.ts';

/** The hog ends by itself after this, should the test not end it, s. */
const HOG_LIMIT_SECONDS = 40;
const CLIP_SECONDS = 2;

let closables: { close(): unknown }[] = [];
afterEach(async () => {
  for (const closable of closables.reverse()) await closable.close();
  closables = [];
});
const closing = <T extends { close(): unknown }>(closable: T): T => {
  closables.push(closable);
  return closable;
};

test('each step is reached under a CPU hog and left again; init segments stay, and the grid has no hole', async () => {
  // As the agent does in production, where it may: what else runs on the machine is then no pressure, and only the hog is. Child
  // processes inherit it: the compositor, the SFU that feeds it, and the hog are alike.
  raisePriority(process.pid);
  const moving = await vp8('testsrc2=s=640x360:r=30', CLIP_SECONDS, 30);
  const rig = closing(await ChildRig.create());
  const sfu = closing(await MediasoupRig.create());
  const transport = await sfu.output(await rig.open());
  rig.send({ type: 'connect', ip: '127.0.0.1', port: transport.tuple.localPort, srtpParameters: srtpOf(transport) });
  const consumers = [];
  for (const [i, peer] of PEERS.entries()) {
    const ssrc = 6001 + i;
    const frame = (n: number) => vp8Payloads(moving[n % moving.length]!.data, n & 0x7fff);
    const first = { firstSequence: 1, firstTimestamp: 0 };
    sfu.streamer.add({ ssrc, payloadType: 96, clockRate: 90_000, frameMs: 1000 / 30, frame, ...first });
    const consumer = await sfu.consume(transport, await sfu.produce(VP8, [ssrc]));
    consumers.push({ consumer, source: sourceOfConsumer(consumer, peer, 'camera') });
  }
  sfu.streamer.start();
  const job = jobOf(
    consumers.map(({ source }) => source),
    { startMs: performance.now(), deliveryUrl: rig.deliveryUrl },
  );
  rig.job(job);
  await rig.next('ready');
  for (const { consumer } of consumers) await consumer.resume();
  await rig.next('stats', ({ stats }) => PEERS.every((peer) => (stats.sources[`${peer}.camera`]?.decoded ?? 0) > 10));
  const inits = new Map(rig.sink.inits);

  const hog = closing(new CpuHog(HOG_LIMIT_SECONDS));
  await rig.next('degraded', ({ step }) => step === 'half-program-rate');
  // What the SFU is asked for: a quarter of the program each, and half of that in both directions.
  await rig.next('seen', ({ sources }) => sources[`${PEERS[0]}.camera`]?.width === 160);
  await rig.next('stats', ({ stats }) => stats.degradation === 'half-program-rate');
  await hog.close();
  await rig.until(() => degradations(rig).at(-1) === 'none');
  const walked = degradations(rig);

  const lastSegment = Math.floor(rig.sink.of('v360').length / 3) + 2;
  rig.send({ type: 'stop', lastSegment });
  expect(await rig.next('ended')).toMatchObject({ reason: 'stopped', lastSegment });

  // One step at a time, each of them on the way there and on the way back.
  const rank = (step: DegradationStep) => DegradationStep.options.indexOf(step);
  for (const [i, step] of walked.entries()) expect(Math.abs(rank(step) - rank(walked[i - 1] ?? 'none'))).toBe(1);
  expect(new Set(walked)).toEqual(new Set(DegradationStep.options));
  const seen = rig.messages.flatMap((m) => (m.type === 'seen' ? [m.sources[`${PEERS[0]}.camera`]?.width] : []));
  expect([seen[0], seen[1], seen.at(-1)]).toEqual([320, 160, 320]);

  // Parts and frames without a hole, and one init segment: another compositor, on the calm machine, makes the same.
  expect(rig.sink.inits).toEqual(inits);
  for (const rendition of ['v360', 'a0']) {
    const places = rig.sink.of(rendition).map(({ segment, part }) => segment * 3 + part);
    expect(places).toEqual(Array.from({ length: (lastSegment + 1) * 3 }, (_, i) => i));
    expect(complaints(rig.sink.file(rendition))).toBe('');
  }
  const pts = probe(rig.sink.file('v360'), 'packets', 'pts').map((p) => Number(p.pts));
  expect(pts).toEqual(Array.from({ length: (lastSegment + 1) * 30 }, (_, i) => i * 3000));
  const successor = closing(await ChildRig.create());
  await successor.open();
  successor.job({ ...job, startMs: performance.now(), deliveryUrl: successor.deliveryUrl, firstSegment: 1 });
  await successor.next('ready');
  expect(successor.sink.inits).toEqual(inits);
});

const degradations = (rig: ChildRig): DegradationStep[] =>
  rig.messages.flatMap((message) => (message.type === 'degraded' ? [message.step] : []));
