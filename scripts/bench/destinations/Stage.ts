/**
 * Where the faults are played: a real server with simulated peers and one broadcast, RTMP servers, links that misbehave, and a recorder of the HLS
 * program. Owns them all and ends them in order.
 */
import { FaultyProxy } from '../../../test/support/FaultyProxy.ts';
import { HlsRecorder } from '../../../test/support/program/HlsRecorder.ts';
import { RtmpServer } from '../../../test/support/rtmpServer.ts';
import { SlowLink } from '../../../test/support/SlowLink.ts';
import type { BenchContext } from '../../bench.ts';
import { ServerApi } from '../../simulator/serverApi.ts';
import { serverWithPeers } from '../support/serverWithPeers.ts';
import { MemoryWatch } from './MemoryWatch.ts';
import { StatusLog } from './StatusLog.ts';

const ROOM = 'bench';
/** 100 kbit/s. */
const SLOW_BYTES_PER_SECOND = 12_500;
/** A destination that nothing is done to is live by then, ms. */
const LIVE_LIMIT_MS = 30_000;

/** Names of destinations, which are their stream keys too. */
export const [HEALTHY, KILLED_5, KILLED_60, KILLED_LONG, STALLED, REFUSED, RESETTING, SLOW] = [
  'healthy',
  'killed-5',
  'killed-60',
  'killed-long',
  'stalled',
  'refused',
  'resetting',
  'slow',
] as const;
const MORTAL = [KILLED_5, KILLED_60, KILLED_LONG] as const;

export interface StageOptions extends BenchContext {
  folder: string;
  peers: number;
  /** A connection is reset when it is so old, ms. */
  resetAfterMs: number;
}

type Parts = Pick<Stage, 'main' | 'mortal' | 'stalling' | 'resetting' | 'recorder' | 'log' | 'memory'> & {
  slow: SlowLink;
  api: ServerApi;
};

export class Stage {
  /** Behind everything but what is killed. */
  readonly main: RtmpServer;
  /** One for each destination whose server is killed. */
  readonly mortal: ReadonlyMap<string, RtmpServer>;
  readonly stalling: FaultyProxy;
  readonly resetting: FaultyProxy;
  readonly recorder: HlsRecorder;
  readonly log: StatusLog;
  readonly memory: MemoryWatch;
  readonly #slow: SlowLink;
  readonly #api: ServerApi;
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: Parts, stack: AsyncDisposableStack) {
    this.main = parts.main;
    this.mortal = parts.mortal;
    this.stalling = parts.stalling;
    this.resetting = parts.resetting;
    this.recorder = parts.recorder;
    this.log = parts.log;
    this.memory = parts.memory;
    this.#slow = parts.slow;
    this.#api = parts.api;
    this.#stack = stack;
  }

  /** Resolves when all that nothing is done to yet are live. */
  static async start({ folder, peers, resetAfterMs, say, signal }: StageOptions): Promise<Stage> {
    await using stack = new AsyncDisposableStack();
    const owned = async <T extends { close(): Promise<void> }>(making: Promise<T>): Promise<T> => {
      const made = await making;
      stack.defer(() => made.close());
      return made;
    };
    signal.throwIfAborted();
    const main = await owned(RtmpServer.start());
    const mortal = new Map<string, RtmpServer>();
    for (const name of MORTAL) mortal.set(name, await owned(RtmpServer.start()));
    const stalling = await owned(FaultyProxy.start(() => main.port));
    const resetting = await owned(FaultyProxy.start(() => main.port));
    const slow = await owned(SlowLink.start(main.port, SLOW_BYTES_PER_SECOND));
    const server = await serverWithPeers(stack, { room: ROOM, peers, logLevel: 'info', folder });
    const api = new ServerApi(server.url);
    resetting.resetAfterMs = resetAfterMs;
    const { playlist } = await api.startBroadcast(ROOM, {
      destinations: [
        { name: HEALTHY, url: main.url, key: HEALTHY },
        ...[...mortal].map(([name, { url }]) => ({ name, url, key: name })),
        { name: STALLED, url: urlAt(stalling.port), key: STALLED },
        { name: RESETTING, url: urlAt(resetting.port), key: RESETTING },
      ],
    });
    const log = await owned(
      Promise.resolve(new StatusLog(async () => (await api.broadcast(ROOM)).destinations, signal)),
    );
    const recorder = await HlsRecorder.start({ url: server.url + playlist, folder, signal });
    stack.defer(() => recorder.stop());
    for (const name of [HEALTHY, ...MORTAL, STALLED]) {
      if (await log.until(name, ({ state }) => state === 'live', LIVE_LIMIT_MS)) continue;
      throw new Error(`'${name}' was not live after ${LIVE_LIMIT_MS} ms: ${log.history(name).at(-1)?.status.reason}`);
    }
    say(`${peers} peers are live at ${MORTAL.length + 3} destinations; a viewer records`);
    const memory = new MemoryWatch(server.pid);
    return new Stage({ main, mortal, stalling, resetting, slow, recorder, log, memory, api }, stack.move());
  }

  /** A destination more, while it is live. */
  async addRefused(): Promise<void> {
    this.main.denied.add(REFUSED);
    await this.#api.addDestination(ROOM, { name: REFUSED, url: this.main.url, key: REFUSED });
  }

  async addSlow(): Promise<void> {
    await this.#api.addDestination(ROOM, { name: SLOW, url: urlAt(this.#slow.port), key: SLOW });
  }

  /** Ends the broadcast; resolves when servers and recorder have everything of it. */
  async end(): Promise<void> {
    await this.log.close();
    await this.#api.stopBroadcast(ROOM);
    await this.recorder.finished();
    await this.main.waitFor(({ call, name }) => call === 'record_done' && name === HEALTHY);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

const urlAt = (port: number): string => `rtmp://127.0.0.1:${port}/live`;
