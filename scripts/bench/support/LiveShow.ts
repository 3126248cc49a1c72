/**
 * A show that a bench directs and then reads: a real server, simulated peers that do what they are told, a broadcast, and the HLS
 * program recorded as a viewer gets it. Owns them all and ends them in order.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RoomSummary, SceneAnswer } from '../../../src/contracts/api.ts';
import { Scene, type SceneInput } from '../../../src/contracts/scene.ts';
import { HlsRecorder } from '../../../test/support/program/HlsRecorder.ts';
import type { SceneFrom } from '../../../test/support/program/readShow.ts';
import { eventually, ServerProcess } from '../../../test/support/ServerProcess.ts';
import type { BenchContext } from '../../bench.ts';
import { ClipStore } from '../../simulator/clip/ClipStore.ts';
import type { SimulatorEvent } from '../../simulator/events.ts';
import { ServerApi } from '../../simulator/serverApi.ts';
import { CpuMeter } from './CpuMeter.ts';
import { SimulatorProcess } from './SimulatorProcess.ts';
import { scrape } from './scrape.ts';

const ROOM = 'bench';
const SEGMENT_SECONDS = 2;
/** What is recorded trails the program by some parts and a playlist's way, ms. */
const TRAIL_LIMIT_MS = 30_000;

export interface LiveShowOptions extends BenchContext {
  folder: string;
  /** All that take part, and those of them who are there from the start. */
  peers: number;
  present: number;
  /** Of the program. */
  width: number;
  height: number;
}

export interface SceneChange extends SceneFrom {
  /** Wall clock when it was asked for and when the answer was there, ms. */
  askedMs: number;
  answeredMs: number;
}

/** What is left of a show when it is over. */
export interface Recording {
  video: string;
  audio: string;
  /** Wall clock of frame 0, ms since 1970. */
  epochMs: number;
  scenes: SceneChange[];
  /** Ids of those who were there at the start, in the order of their seats. */
  seated: string[];
  events: SimulatorEvent[];
  metrics: Record<string, number>;
  cpu: Record<string, number>;
  gaps: number;
  simulated: Record<string, unknown>;
}

const wallMs = (): number => performance.timeOrigin + performance.now();

export async function makeClips(peers: number, { say, signal }: BenchContext): Promise<void> {
  const store = new ClipStore({ onMake: (clip) => say(`making the clip of peer ${clip} (once) …`) });
  signal.addEventListener('abort', () => store.close(), { once: true });
  await Promise.all(Array.from({ length: peers }, (_, clip) => store.get(clip, 'vp8')));
  store.close();
}

export class LiveShow {
  readonly simulator: SimulatorProcess;
  readonly epochMs: number;
  readonly #server: ServerProcess;
  readonly #api: ServerApi;
  readonly #recorder: HlsRecorder;
  readonly #meter: CpuMeter;
  readonly #stack: AsyncDisposableStack;
  readonly #scenes: SceneChange[] = [];
  readonly #seated: string[];
  #version: number;

  private constructor(
    parts: {
      simulator: SimulatorProcess;
      epochMs: number;
      server: ServerProcess;
      api: ServerApi;
      recorder: HlsRecorder;
      meter: CpuMeter;
      room: RoomSummary;
    },
    stack: AsyncDisposableStack,
  ) {
    this.simulator = parts.simulator;
    this.epochMs = parts.epochMs;
    this.#server = parts.server;
    this.#api = parts.api;
    this.#recorder = parts.recorder;
    this.#meter = parts.meter;
    this.#stack = stack;
    this.#seated = parts.room.peers.map(({ id }) => id);
    this.#version = parts.room.scene.version;
    const { scene } = parts.room.scene;
    this.#scenes.push({ fromFrame: 0, scene, askedMs: 0, answeredMs: 0 });
  }

  /** Resolves when it is live and being recorded. */
  static async start({ folder, peers, present, width, height, say, signal }: LiveShowOptions): Promise<LiveShow> {
    await using stack = new AsyncDisposableStack();
    signal.throwIfAborted();
    const server = await ServerProcess.start({ LIANMAI_LOG_LEVEL: 'info' });
    stack.defer(async () => {
      await server.stop();
      await writeFile(join(folder, 'server.log'), server.output.join('\n'));
    });
    const simulator = await SimulatorProcess.start([
      ...['--url', server.url, '--room', ROOM, '--peers', String(peers), '--present', String(present)],
      ...['--events', '--commands'],
    ]);
    stack.defer(() => simulator.stop().then(() => {}));
    await simulator.joined(present);
    say(`${present} peers have joined`);
    const api = new ServerApi(server.url);
    const status = await api.startBroadcast(ROOM, { video: { width, height } });
    if (status.state !== 'live' || status.startedAt === null) throw new Error(`the broadcast is ${status.state}`);
    const recorder = await HlsRecorder.start({ url: server.url + status.playlist, folder, signal });
    stack.defer(() => recorder.stop());
    const meter = await CpuMeter.start({ server: server.pid, simulator: simulator.pid });
    const room = RoomSummary.parse(await (await fetch(`${server.url}/v1/rooms/${ROOM}`)).json());
    const parts = { simulator, epochMs: status.startedAt, server, api, recorder, meter, room };
    return new LiveShow(parts, stack.move());
  }

  /** Ids of those who were there at the start, in the order of their seats. */
  get seats(): readonly string[] {
    return this.#seated;
  }

  /** Program time now, seconds. */
  get now(): number {
    return (wallMs() - this.epochMs) / 1000;
  }

  /** Sets the scene. Rejects when the server refuses it, or when nothing is live. */
  async setScene(input: SceneInput): Promise<SceneChange> {
    const scene = Scene.parse(input);
    const askedMs = wallMs();
    const response = await fetch(`${this.#api.url}/v1/rooms/${ROOM}/scene`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'if-match': `"${this.#version}"` },
      body: JSON.stringify(scene),
    });
    const answeredMs = wallMs();
    const text = await response.text();
    if (!response.ok) throw new Error(`the scene was refused: ${response.status} ${text}`);
    const { version, fromFrame } = SceneAnswer.parse(JSON.parse(text));
    if (fromFrame === null) throw new Error('the room is not live any more');
    this.#version = version;
    const change = { fromFrame, scene, askedMs, answeredMs };
    this.#scenes.push(change);
    return change;
  }

  /** Resolves when the program is recorded up to `seconds` of its time. */
  async recordedTo(seconds: number): Promise<void> {
    const end = (uri: string | undefined) => (1 + Number(/(\d+)\.m4s$/.exec(uri ?? '')?.[1] ?? -1)) * SEGMENT_SECONDS;
    const reached = () => this.#recorder.tracks.every(({ segments }) => end(segments.at(-1)) >= seconds);
    const limitMs = Math.max(0, seconds - this.now) * 1000 + TRAIL_LIMIT_MS;
    await eventually(reached, `the program is recorded up to ${seconds.toFixed(1)} s`, limitMs);
  }

  /** Lets the compositor's process stand still for `ms`. */
  async pauseCompositor(ms: number): Promise<void> {
    const pid = Number(this.#server.logs().findLast(({ msg }) => msg === 'compositor bound')?.pid);
    process.kill(pid, 'SIGSTOP');
    await delay(ms);
    process.kill(pid, 'SIGCONT');
  }

  /** Ends the broadcast, the peers and the server. */
  async finish(): Promise<Recording> {
    const cpu = await this.#meter.percent();
    const metrics = await scrape(`${this.#server.internalUrl}/metrics`);
    await this.#api.stopBroadcast(ROOM);
    await this.#recorder.finished();
    const events = this.simulator.events();
    const simulated = await this.simulator.stop();
    await this.#stack.disposeAsync();
    const { tracks } = this.#recorder;
    const fileOf = (kind: string) => tracks.find(({ name }) => name.startsWith(kind))?.file ?? '';
    return {
      ...{ video: fileOf('v'), audio: fileOf('a'), epochMs: this.epochMs, scenes: this.#scenes },
      ...{ seated: this.#seated, events, metrics, cpu, simulated },
      gaps: tracks.reduce((sum, track) => sum + track.gaps.length + track.missed, 0),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
