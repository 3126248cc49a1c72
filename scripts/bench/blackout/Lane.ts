/**
 * One camera in three layers → hop → a mediasoup worker of its own → ingest. Its uplink is dead again and again, then one layer is no more
 * sent; when do pictures come again?
 */
import type { types } from 'mediasoup';
import { MediaIngest } from '../../../compositor/ingest/MediaIngest.ts';
import { createLogger } from '../../../src/common/logger.ts';
import { JobSource } from '../../../src/contracts/job.ts';
import { KEY_FRAME_INTERVAL_MS } from '../../../src/sfu/Endpoint.ts';
import { DEAD, LossyHop, SOUND } from '../../../test/support/ingest/LossyHop.ts';
import { MediasoupRig, sourceOf, srtpOf, VP8 } from '../../../test/support/ingest/MediasoupRig.ts';
import { sendCamera } from '../../../test/support/ingest/sendCamera.ts';
import type { EncodedClip } from '../../simulator/clip/makeClip.ts';
import type { Hiccups } from './Hiccups.ts';

/** What the controller does when mediasoup tells of other scores. */
export type Wish = 'none' | 'ask';

/** A way to get the camera back. */
export interface Way {
  name: string;
  /** Layers, from the lowest on, that mediasoup takes for dead after 5 s and not after 1.5 s. */
  kept: number;
  wish: Wish;
  /** Another worker than the installed one. */
  workerBin?: string;
}

export interface LaneOptions {
  way: Way;
  clip: EncodedClip;
  /** The layer that the program wants. */
  spatialLayer: number;
  reportMs: () => number;
  hiccups: Hiccups;
}

/** After a blackout, from the moment on at which the network was good again, ms; null: not within what was waited for. */
export interface Recovery {
  blackoutMs: number;
  /** The first picture. */
  firstMs: number | null;
  /** The first picture after which none was waited for longer than STAND_MS. */
  steadyMs: number | null;
  /** The layer that the program wants, to stay. */
  wantedMs: number | null;
  /** What mediasoup told meanwhile. */
  scores: string[];
}

/** A picture that stands for longer is seen to stand. */
const STAND_MS = 200;

const now = () => performance.now();
const after = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

export class Lane {
  readonly #hop: LossyHop;
  readonly #rig: MediasoupRig;
  readonly #ingest: MediaIngest;
  readonly #hiccups: Hiccups;
  readonly #wanted: { layer: number; ssrc: number };
  #layers: { atMs: number; layer: number | undefined }[] = [];
  readonly #pictures: number[] = [];
  readonly #scores: { atMs: number; text: string }[] = [];

  private constructor(o: {
    hop: LossyHop;
    rig: MediasoupRig;
    ingest: MediaIngest;
    producer: types.Producer;
    consumer: types.Consumer;
    hiccups: Hiccups;
    wanted: { layer: number; ssrc: number };
  }) {
    this.#hop = o.hop;
    this.#rig = o.rig;
    this.#ingest = o.ingest;
    this.#wanted = o.wanted;
    this.#hiccups = o.hiccups;
    o.ingest.on('video', () => this.#pictures.push(now()));
    o.consumer.on('layerschange', (layers) => this.#layers.push({ atMs: now(), layer: layers?.spatialLayer }));
    o.producer.on('score', (scores) =>
      this.#scores.push({ atMs: now(), text: scores.map(({ score }) => score).join('/') }),
    );
  }

  static async create({ way, clip, spatialLayer, reportMs, hiccups }: LaneOptions): Promise<Lane> {
    const hop = await LossyHop.create();
    const rig = await MediasoupRig.create(hop, way.workerBin);
    const startMs = now();
    const ingest = await MediaIngest.create({
      ...{ ip: '127.0.0.1', portRange: [0, 0] as const, clock: { nowMs: () => now() - startMs } },
      logger: createLogger({ level: 'silent' }),
    });
    const transport = await rig.output({ ip: ingest.ip, port: ingest.port, srtpParameters: ingest.srtpParameters });
    const { localIp: ip, localPort: port } = transport.tuple;
    ingest.connect({ ip, port, srtpParameters: srtpOf(transport) });
    const ssrcs = sendCamera(rig.streamer, { codec: 'vp8', clip, firstSsrc: 6000, reportMs });
    const producer = await rig.produce(VP8, ssrcs, { kept: way.kept, keyFrameRequestDelay: KEY_FRAME_INTERVAL_MS });
    const consumer = await rig.consume(transport, producer);
    ingest.setSources([JobSource.parse(sourceOf(consumer, 'ptestpeer0', 'camera'))]);
    const wanted = { layer: spatialLayer, ssrc: ssrcs[spatialLayer] ?? 0 };
    const lane = new Lane({ hop, rig, ingest, producer, consumer, hiccups, wanted });
    if (way.wish === 'ask') producer.on('score', () => void ask(consumer, spatialLayer));
    rig.streamer.start();
    await consumer.setPreferredLayers({ spatialLayer });
    await consumer.resume();
    return lane;
  }

  /** Dead for `blackoutMs`; then `watchMs` are looked at. */
  async blackout(blackoutMs: number, watchMs: number): Promise<Recovery> {
    this.#hop.damage = DEAD;
    await after(blackoutMs);
    this.#hop.damage = SOUND;
    const goodMs = now();
    await after(watchMs);
    const times = this.#takePictures(goodMs);
    const stood = (from: number, to: number) =>
      to - from - this.#hiccups.between(goodMs + from, goodMs + to) > STAND_MS;
    const lastStand = times.findLastIndex((at, i) => stood(times[i - 1] ?? 0, at));
    const stands = times.length === 0 || stood(times.at(-1) ?? 0, watchMs);
    const newest = this.#layers.at(-1);
    if (newest) this.#layers = [newest];
    const scores = this.#scores.filter(({ atMs }) => atMs >= goodMs);
    this.#scores.length = 0;
    return {
      blackoutMs,
      firstMs: times[0] ?? null,
      steadyMs: stands ? null : (times[Math.max(0, lastStand)] ?? null),
      wantedMs: newest?.layer === this.#wanted.layer ? Math.max(0, newest.atMs - goodMs) : null,
      scores: scores.map(({ atMs, text }) => `${Math.round(atMs - goodMs)}: ${text}`),
    };
  }

  /** The layer that is wanted is not sent any more: the longest time without a picture within `watchMs`, ms. */
  async loseLayer(watchMs: number): Promise<number> {
    this.#rig.streamer.stop(this.#wanted.ssrc);
    const fromMs = now();
    await after(watchMs);
    const times = [0, ...this.#takePictures(fromMs), watchMs];
    return Math.max(...times.map((at, i) => at - (times[i - 1] ?? 0)));
  }

  #takePictures(fromMs: number): number[] {
    return this.#pictures
      .splice(0)
      .filter((at) => at >= fromMs)
      .map((at) => at - fromMs);
  }

  close(): void {
    this.#ingest.close();
    this.#rig.close();
    this.#hop.close();
  }
}

/** All that a controller has: the layer is wanted anew, and a key frame. */
async function ask(consumer: types.Consumer, spatialLayer: number): Promise<void> {
  if (consumer.closed) return;
  await consumer.setPreferredLayers({ spatialLayer });
  await consumer.requestKeyFrame();
}
