/** A delivery node that records, with its data directory and database; another one may go on with the same directory. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createLogger } from '../../src/common/logger.ts';
import type { Recording } from '../../src/contracts/recording.ts';
import type { DeliveryOptions } from '../../src/delivery/Delivery.ts';
import type { OpenOrder } from '../../src/delivery/DeliveryBroadcast.ts';
import { Recordings } from '../../src/delivery/recording/Recordings.ts';
import { Database } from '../../src/durable/Database.ts';
import { createMetrics } from '../../src/metrics.ts';
import { LocalStorage } from '../../src/storage/LocalStorage.ts';
import type { Storage } from '../../src/storage/Storage.ts';
import { newRoom, putParts } from './deliveryRooms.ts';
import { DeliveryStack, SERVICE_TOKEN, TestCompositor, TestController } from './deliveryStack.ts';
import type { TestClip } from './programParts.ts';

export interface RigOptions {
  dataDir?: string;
  storage?: Storage;
  ffmpegPath?: string;
  delivery?: Partial<DeliveryOptions>;
}

export class RecordingRig {
  readonly stack: DeliveryStack;
  readonly recordings: Recordings;
  readonly dataDir: string;
  readonly events: { type: string; recording: Recording }[] = [];
  readonly #database: Database;

  private constructor(stack: DeliveryStack, recordings: Recordings, database: Database, dataDir: string) {
    this.stack = stack;
    this.recordings = recordings;
    this.#database = database;
    this.dataDir = dataDir;
  }

  static async start({
    dataDir,
    storage,
    ffmpegPath = 'ffmpeg',
    delivery = {},
  }: RigOptions = {}): Promise<RecordingRig> {
    const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'lianmai-recording-')));
    const database = Database.open(folder);
    const recordings = await Recordings.create({
      dataDir: folder,
      database,
      storage: storage ?? (await LocalStorage.create(join(folder, 'recordings'))),
      ffmpegPath,
      logger: createLogger({ level: process.env.TEST_LOG ?? 'silent' }),
      metrics: createMetrics().recording,
    });
    const events: RecordingRig['events'] = [];
    recordings.on('event', (type, recording) => events.push({ type, recording }));
    const stack = await DeliveryStack.start({ recordings, dataDir: folder, ...delivery });
    const rig = new RecordingRig(stack, recordings, database, folder);
    rig.events.push(...events);
    recordings.on('event', (type, recording) => rig.events.push({ type, recording }));
    return rig;
  }

  /** A room that is being recorded. */
  async open(clip: TestClip, order: Partial<OpenOrder> = {}, preface = {}): Promise<RecordedRoom> {
    const room = newRoom();
    const controller = await TestController.open(this.stack, {
      room,
      answersClock: false,
      order: { record: true, ...order },
    });
    await controller.waitFor('opened');
    const compositor = new TestCompositor(this.stack, controller, clip);
    await compositor.preface(preface);
    compositor.take(0);
    await controller.sync();
    return {
      room,
      controller,
      compositor,
      id: `r${controller.broadcast.slice(1)}`,
      base: `${this.stack.url}/live/${room}/${controller.broadcast}`,
    };
  }

  /** Resolves with the recording when an event of the type was or is told of it. */
  async event(type: string, id: string, limitMs = 60_000): Promise<Recording> {
    const known = this.events.find((e) => e.type === type && e.recording.id === id);
    if (known) return known.recording;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no ${type}; there were ${JSON.stringify(this.events.map((e) => e.type))}`)),
        limitMs,
      );
      this.recordings.on('event', (told, recording) => {
        if (told !== type || recording.id !== id) return;
        clearTimeout(timer);
        resolve(recording);
      });
    });
  }

  /** Asks the internal port. */
  async ask(path: string, method = 'GET'): Promise<Response> {
    return fetch(`${this.stack.internalUrl}/delivery/recordings${path}`, {
      method,
      headers: { authorization: `Bearer ${SERVICE_TOKEN}` },
    });
  }

  /** What a kill -9 at this moment would leave. */
  async snapshot(): Promise<string> {
    const copy = await mkdtemp(join(tmpdir(), 'lianmai-recording-'));
    await cp(this.dataDir, copy, { recursive: true });
    return copy;
  }

  async close(): Promise<void> {
    await this.stack.close();
    this.#database.close();
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

export interface RecordedRoom {
  room: string;
  controller: TestController;
  compositor: TestCompositor;
  /** Of the recording. */
  id: string;
  /** Of its live playlists. */
  base: string;
}

export { putParts };

/** One that is gone with the test. */
export async function newRig(options: RigOptions = {}): Promise<RecordingRig> {
  const rig = await RecordingRig.start(options);
  onTestFinished(() => rig.remove());
  return rig;
}
