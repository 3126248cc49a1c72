/**
 * The program on its way back to the room: a real compositor process, a real mediasoup, and on the way from one to the other a hop that loses
 * packets. What mediasoup hands on is read as the compositor itself reads people.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { types } from 'mediasoup';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OpusDecoder } from '../../compositor/decode/OpusDecoder.ts';
import { MediaIngest } from '../../compositor/ingest/MediaIngest.ts';
import type { EncodedAudio, EncodedVideo } from '../../compositor/types.ts';
import { soundProducer, videoProducer } from '../../src/broadcast/returnProducers.ts';
import { createLogger } from '../../src/common/logger.ts';
import type { Job } from '../../src/contracts/job.ts';
import type { ReturnOrder } from '../../src/contracts/programReturn.ts';
import { ChildRig } from '../support/ChildRig.ts';
import { nalUnits } from '../support/ingest/clip.ts';
import { DamageProxy, NO_DAMAGE } from '../support/ingest/DamageProxy.ts';
import { MediasoupRig, OPUS, sourceOf, srtpOf, VP8 } from '../support/ingest/MediasoupRig.ts';
import { vp8Payloads } from '../support/ingest/packetize.ts';
import { jobOf, opus, PEERS, pictures, temporaryFile, vp8 } from '../support/pipelineHarness.ts';
import { levels } from '../support/sound/tone.ts';

const [FLASHER, HUMMER] = PEERS;
/** A beep of the one with each flash, a steady tone of the other, Hz: whole periods in 10 ms, so that neither is measured in the other's place. */
const BEEP = 1000;
const HUM = 500;
/** A program frame, and what mediasoup's estimate of a sender's clock is off. */
const AV_TOLERANCE_MS = 40;
/** So many pictures are read: four flashes that mediasoup's third report is before. */
const PICTURES = 210;
/** What is read back is one person's for the reader: one playout delay, so that its times compare. */
const READ_VIDEO = 'pvvvvvvvv.camera';
const READ_HUMMERS = 'pvvvvvvvv.microphone';
const READ_FLASHERS = 'pxxxxxxxx.microphone';

let child: ChildRig;
let sfu: MediasoupRig;
let proxy: DamageProxy;
let reader: MediaIngest;
let transport: types.PlainTransport;
let job: Job;
/** RTP packets from the compositor to the SFU. */
let sent = 0;
/** Pictures, the hummer's sound, the flasher's sound. */
let returned: types.Producer[] = [];
const frames: EncodedVideo[] = [];
const packets = new Map<string, EncodedAudio[]>();

/** Resolves once `condition` holds, asked whenever something is read. */
const until = (condition: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const look = () => {
      if (condition()) resolve();
    };
    reader.on('video', look).on('audio', look);
    look();
  });

/** Waits for the part with this frame of the program. */
const partOf = (frame: number): Promise<void> =>
  child.until(() =>
    child.sink
      .of('v360')
      .some(({ segment, part }) => segment * 30 + part * 10 <= frame && frame < segment * 30 + part * 10 + 10),
  );

async function addPeople(): Promise<void> {
  const [dark] = await vp8('color=black:s=320x180:r=30', 0.1, 1);
  const [light] = await vp8('color=white:s=320x180:r=30', 0.1, 1);
  const beeps = await opus(`aevalsrc='if(lt(mod(t\\,1)\\,0.1)\\,0.3*sin(2*PI*${BEEP}*t)\\,0)':s=48000`, 3);
  const hum = await opus(`aevalsrc='0.1*sin(2*PI*${HUM}*t)':s=48000`, 3);
  const second = { beeps: beeps.slice(50, 100), hum: hum.slice(50, 100) };
  const common = { firstSequence: 1, firstTimestamp: 1 };
  const sound = { ...common, payloadType: 111, clockRate: 48_000, frameMs: 20 };
  const frame = (n: number) => vp8Payloads((n % 30 < 3 ? light : dark)!.data, n & 0x7fff);
  sfu.streamer.add({ ...common, ssrc: 6001, payloadType: 96, clockRate: 90_000, frameMs: 1000 / 30, frame });
  sfu.streamer.add({ ...sound, ssrc: 5001, frame: (n) => [second.beeps[n % 50]!.data] });
  sfu.streamer.add({ ...sound, ssrc: 5002, frame: (n) => [second.hum[n % 50]!.data] });
}

beforeAll(async () => {
  [child, sfu, proxy] = await Promise.all([ChildRig.create(), MediasoupRig.create(), DamageProxy.create()]);
  await addPeople();
  const producers = [await sfu.produce(VP8, [6001]), await sfu.produce(OPUS, [5001]), await sfu.produce(OPUS, [5002])];
  sfu.streamer.start();
  const bound = await child.open();
  expect(bound.returns).toBe(true);
  transport = await sfu.output({ ip: proxy.ip, port: proxy.port, srtpParameters: bound.srtpParameters });
  // The hop damages what goes to the side that it calls ingest's: here that is the SFU.
  proxy.between({ sfuPort: bound.port, ingestPort: transport.tuple.localPort });
  proxy.damage = {
    ...NO_DAMAGE,
    loseIf: (_, isRtcp) => {
      if (!isRtcp) sent++;
      return false;
    },
  };
  child.send({ type: 'connect', ip: proxy.ip, port: proxy.port, srtpParameters: srtpOf(transport) });
  const consumers = await Promise.all(producers.map((producer) => sfu.consume(transport, producer)));
  const sources = [
    sourceOf(consumers[0]!, FLASHER, 'camera'),
    sourceOf(consumers[1]!, FLASHER, 'microphone'),
    sourceOf(consumers[2]!, HUMMER, 'microphone'),
  ];
  // As it comes: what the automatic gain makes of tones is no matter of this test.
  const scene = { loudness: { automatic: false } };
  job = jobOf(sources, { startMs: performance.now(), deliveryUrl: child.deliveryUrl, scene });
  child.job(job);
  await child.next('ready');
  await Promise.all(consumers.map((consumer) => consumer.resume()));

  const logger = createLogger({ level: 'silent' });
  const clock = { nowMs: () => performance.now() };
  reader = await MediaIngest.create({ ip: '127.0.0.1', portRange: [0, 0], clock, logger });
  reader.on('video', (frame) => frames.push(frame));
  reader.on('audio', (packet) => packets.set(packet.source, [...(packets.get(packet.source) ?? []), packet]));
});

afterAll(async () => {
  reader?.close();
  await child?.close();
  proxy?.close();
  sfu?.close();
});

const streamOf = ({ rtpParameters }: types.Producer) => ({
  ssrc: rtpParameters.encodings?.[0]?.ssrc ?? 0,
  payloadType: rtpParameters.codecs[0]?.payloadType ?? 0,
});

/** The access units of a rendition's parts: NAL units without parameter sets, which stand in the init segment. */
function unitsOfParts(rendition: string): string[] {
  const file = child.sink.file(rendition);
  const annexB = temporaryFile('h264');
  // A delimiter before each picture, so that pictures are told apart.
  const filter = 'h264_mp4toannexb,h264_metadata=aud=insert';
  execFileSync('ffmpeg', ['-y', '-v', 'error', '-i', file, '-c', 'copy', '-bsf:v', filter, '-f', 'h264', annexB]);
  const stream = execFileSync('cat', [annexB], { maxBuffer: 1 << 28 });
  const pictures: Buffer[][] = [];
  for (const unit of nalUnits(stream)) {
    const type = (unit[0] ?? 0) & 0x1f;
    if (type === 9) pictures.push([]);
    else if (type !== 7 && type !== 8) pictures.at(-1)?.push(unit);
  }
  return pictures.map((units) => Buffer.concat(units).toString('base64'));
}

const slicesOf = ({ data }: EncodedVideo): string =>
  Buffer.concat(nalUnits(data).filter((unit) => ![7, 8, 9].includes((unit[0] ?? 0) & 0x1f))).toString('base64');

/** What a listener hears, and when its first sample is to be heard, ms of the reader. */
async function heard(source: string): Promise<{ samples: Float32Array; startMs: (sample: number) => number }> {
  const decoder = await OpusDecoder.create();
  const received = packets.get(source) ?? [];
  const begin = received[0]?.rtp ?? 0;
  const samples = new Float32Array((received.at(-1)?.rtp ?? 0) + 960 - begin);
  const times = new Map<number, number>();
  for (const { data, rtp, playoutMs } of received) {
    samples.set(decoder.decode(data).left, rtp - begin);
    times.set((rtp - begin) / 960, playoutMs);
  }
  decoder.close();
  return { samples, startMs: (sample) => (times.get(Math.floor(sample / 960)) ?? 0) + (sample % 960) / 48 };
}

/** The amplitude of a tone that so large a part of the blocks of 10 ms in the newest three seconds are below. */
function level(samples: Float32Array, hz: number, part: number): number {
  const all = levels(samples.subarray(-3 * 48_000), hz).sort((a, b) => a - b);
  return all[Math.floor(all.length * part)] ?? 0;
}
/** It is there a tenth of the time. Not the very loudest: where a beep or a packet begins, each tone is measured in a block. */
const beep = (samples: Float32Array): number => level(samples, BEEP, 0.94);
const hum = (samples: Float32Array): number => level(samples, HUM, 0.5);

describe('a program that goes back into its room', () => {
  test('is not sent as long as nobody asks', async () => {
    await partOf(25);
    expect(sent).toBe(0);
  });

  test('is to the bit what viewers get, though packets are lost on the way', async () => {
    const producers = [
      await transport.produce(videoProducer()),
      await transport.produce(soundProducer()),
      await transport.produce(soundProducer()),
    ] as const;
    returned = [...producers];
    const output = await sfu.output({ ip: '127.0.0.1', port: reader.port, srtpParameters: reader.srtpParameters });
    reader.connect({ ip: '127.0.0.1', port: output.tuple.localPort, srtpParameters: srtpOf(output) });
    const consumers = await Promise.all(producers.map((producer) => sfu.consume(output, producer)));
    reader.setSources(
      [READ_VIDEO, READ_HUMMERS, READ_FLASHERS].map((id, i) => {
        const [peer = '', kind] = id.split('.') as [string, 'camera' | 'microphone'];
        return sourceOf(consumers[i]!, peer, kind);
      }),
    );
    await Promise.all(consumers.map((consumer) => consumer.resume()));
    const order: ReturnOrder = {
      video: streamOf(producers[0]),
      sounds: [
        { ...streamOf(producers[1]), peer: HUMMER },
        { ...streamOf(producers[2]), peer: FLASHER },
      ],
    };
    proxy.damage = { ...NO_DAMAGE, lose: 0.05, reorder: 0.02 };
    child.send({ type: 'return', ...order });
    await until(() => frames.length >= PICTURES && [...packets.values()].every(({ length }) => length >= 300));
    proxy.damage = {
      ...NO_DAMAGE,
      loseIf: (_, isRtcp) => {
        if (!isRtcp) sent++;
        return false;
      },
    };
    expect(proxy.counts.lost).toBeGreaterThan(10);
    // The parts of the last picture that was read are there.
    await partOf((frames[PICTURES - 1]?.rtp ?? 0) / 3000);
    const program = unitsOfParts('v360');
    const read = frames.slice(0, PICTURES).map(slicesOf);
    const first = program.indexOf(read[0] ?? '');
    expect(first).toBeGreaterThanOrEqual(0);
    expect(first % 30).toBe(0);
    expect(frames[0]?.keyFrame).toBe(true);
    expect(read).toEqual(program.slice(first, first + PICTURES));
    const ticks = frames.slice(0, PICTURES).map(({ rtp }) => rtp - (frames[0]?.rtp ?? 0));
    expect(ticks).toEqual(ticks.map((_, i) => i * 3000));
  });

  test('sound that was lost on the way is sent again', async () => {
    for (const source of [READ_HUMMERS, READ_FLASHERS]) {
      const received = packets.get(source) ?? [];
      const numbers = received.map(({ rtp }) => (rtp - (received[0]?.rtp ?? 0)) / 960);
      expect(numbers.every(Number.isInteger)).toBe(true);
      // The reader waits for none longer than its playout delay, which is that of a quiet line: one in a hundred may come too late for it.
      expect(numbers.at(-1)).toBeLessThan(received.length * 1.01);
    }
    for (const producer of returned.slice(1)) {
      const [stats] = await producer.getStats();
      expect(stats?.packetsRepaired).toBeGreaterThan(2);
      expect(stats?.nackCount).toBeGreaterThan(2);
    }
  });

  test('each listener hears the others and not themselves', async () => {
    const hummer = (await heard(READ_HUMMERS)).samples;
    const flasher = (await heard(READ_FLASHERS)).samples;
    expect(beep(hummer)).toBeGreaterThan(0.1);
    expect(hum(hummer)).toBeLessThan(0.005);
    expect(hum(flasher)).toBeGreaterThan(0.05);
    expect(beep(flasher)).toBeLessThan(0.005);
  });

  test('picture and sound fit each other', async () => {
    const file = temporaryFile('h264');
    writeFileSync(file, Buffer.concat(frames.map(({ data }) => data)));
    const light = pictures(file, 640, 360).map((picture) => picture.at(160, 180)[0] > 150);
    const flashes = light.flatMap((on, i) => (on && light[i - 1] === false ? [frames[i]?.playoutMs ?? 0] : []));
    const { samples, startMs } = await heard(READ_HUMMERS);
    const beeps: number[] = [];
    for (const [i, v] of samples.entries()) {
      const ms = startMs(i);
      if (Math.abs(v) > 0.1 && ms - (beeps.at(-1) ?? -1000) > 500) beeps.push(ms);
    }
    // mediasoup trusts a sender's clock from its third report on.
    const late = flashes.slice(-3);
    expect(late).toHaveLength(3);
    for (const flash of late)
      expect(Math.min(...beeps.map((beep) => Math.abs(beep - flash)))).toBeLessThan(AV_TOLERANCE_MS);
  });

  test('is sent no more when nobody wants it any more', async () => {
    child.send({ type: 'return', video: null, sounds: [] });
    // What the child is told next it answers with a frame: after that it has followed the order.
    const answers = child.messages.length;
    child.job(job);
    await child.until(() => child.messages.slice(answers).some(({ type }) => type === 'applied'));
    const applied = child.messages.slice(answers).find((message) => message.type === 'applied');
    await partOf((applied?.fromFrame ?? 0) + 10);
    const before = sent;
    expect(before).toBeGreaterThan(0);
    await partOf((applied?.fromFrame ?? 0) + 40);
    expect(sent).toBe(before);
  });
});
