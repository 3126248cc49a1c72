/**
 * What a bench of faults does its harm to: a real server, simulated peers, an RTMP server, a watching browser, and a recorder
 * of the HLS program. Owns them all and ends them in order.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { BroadcastStatus } from '../../../src/contracts/broadcast.ts';
import { launchBrowser } from '../../../test/support/browser.ts';
import { HlsRecorder } from '../../../test/support/program/HlsRecorder.ts';
import { RtmpServer } from '../../../test/support/rtmpServer.ts';
import { descendantsOf, eventually, type LogLine, type ServerProcess } from '../../../test/support/ServerProcess.ts';
import type { BenchContext } from '../../bench.ts';
import { ServerApi } from '../../simulator/serverApi.ts';
import type { PlayerElement } from './StallMeter.ts';
import { scrape } from './scrape.ts';
import { serverWithPeers } from './serverWithPeers.ts';

export const ROOM = 'bench';
export const STREAM_KEY = 'bench-key';
/** The design's S. */
export const SEGMENT_SECONDS = 2;
/** A fault that has not healed by then never will, ms. */
export const HEAL_MS = 60_000;

export interface ShowOptions extends BenchContext {
  folder: string;
  peers: number;
  logLevel: string;
}

export class Show {
  readonly server: ServerProcess;
  readonly rtmp: RtmpServer;
  readonly api: ServerApi;
  readonly page: Page;
  readonly recorder: HlsRecorder;
  /** Wall clock of the program's frame 0, ms since 1970. */
  readonly epoch: number;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    parts: Pick<Show, 'server' | 'rtmp' | 'api' | 'page' | 'recorder' | 'epoch'>,
    stack: AsyncDisposableStack,
  ) {
    this.server = parts.server;
    this.rtmp = parts.rtmp;
    this.api = parts.api;
    this.page = parts.page;
    this.recorder = parts.recorder;
    this.epoch = parts.epoch;
    this.#stack = stack;
  }

  /** Resolves when the page plays, and the RTMP server and the recorder get the program. */
  static async start({ folder, peers, logLevel, say, signal }: ShowOptions): Promise<Show> {
    await using stack = new AsyncDisposableStack();
    signal.throwIfAborted();
    const rtmp = await RtmpServer.start();
    stack.defer(() => rtmp.close());
    const server = await serverWithPeers(stack, { room: ROOM, peers, logLevel, folder });
    const api = new ServerApi(server.url);
    const status = await api.startBroadcast(ROOM, {
      destinations: [{ name: 'cdn', url: rtmp.url, key: STREAM_KEY }],
    });
    const recorder = await HlsRecorder.start({ url: server.url + status.playlist, folder, signal });
    stack.defer(() => recorder.stop());
    const browser = await launchBrowser();
    stack.defer(() => browser.close());
    const page = await browser.browser.newPage();
    await page.goto(`${server.url}/watch/${ROOM}`);
    const time = () => page.locator('video').evaluate((video: PlayerElement) => video.currentTime);
    await eventually(async () => (await time()) > 2, 'the watch page plays', HEAL_MS);
    await rtmp.waitFor((call) => call.call === 'publish' && call.name === STREAM_KEY, HEAL_MS);
    say(`${peers} peers are live; a browser watches, an RTMP server receives`);
    const epoch = status.startedAt ?? 0;
    return new Show({ rtmp, server, api, page, recorder, epoch }, stack.move());
  }

  /** Program time now, seconds. */
  get now(): number {
    return (Date.now() - this.epoch) / 1000;
  }

  status(): Promise<BroadcastStatus> {
    return this.api.broadcast(ROOM);
  }

  metrics(): Promise<Record<string, number>> {
    return scrape(`${this.server.internalUrl}/metrics`);
  }

  /** The newest log line with this message. */
  lastLog(message: string): LogLine {
    const line = this.server.logs().findLast(({ msg }) => msg === message);
    if (!line) throw new Error(`the server has not logged '${message}'`);
    return line;
  }

  /** The first line that is logged from now on with this message and these fields. Ask before doing what it tells of. */
  nextLog(message: string, fields: readonly string[] = []): Promise<LogLine & { at: number }> {
    let seen = this.server.output.length;
    const look = (): LogLine | undefined => {
      for (; seen < this.server.output.length; seen++) {
        const text = this.server.output[seen] ?? '';
        if (!text.includes(message)) continue;
        const line = JSON.parse(text) as LogLine;
        if (line.msg === message && fields.every((field) => field in line)) return line;
      }
      return undefined;
    };
    return soon(look, `the server logs '${message}'`).then((line) => ({
      ...line,
      at: (Number(new Date(line.time as number | string)) - this.epoch) / 1000,
    }));
  }

  async childPid(what: string): Promise<number> {
    const found = (await descendantsOf(this.server.pid)).find(({ command }) => command.join(' ').includes(what));
    if (!found) throw new Error(`the server has no process ${what}`);
    return found.pid;
  }

  /** Resolves when every track has a segment that begins at `seconds` of program time or later. */
  async recordedTo(seconds: number): Promise<void> {
    const begin = (uri: string | undefined) => numberOf(uri) * SEGMENT_SECONDS;
    const reached = () => this.recorder.tracks.every(({ segments }) => begin(segments.at(-1)) >= seconds);
    await eventually(reached, `the program is recorded up to ${seconds.toFixed(1)} s`, HEAL_MS);
  }

  /** Resolves when so much of a segment's time is over; 0 to 1. */
  async atPhase(share: number): Promise<void> {
    const missing = share * SEGMENT_SECONDS - (this.now % SEGMENT_SECONDS);
    await delay(1000 * (missing < 0 ? missing + SEGMENT_SECONDS : missing));
  }

  /** Numbers of the video's segments from program time `from` to `to` that are marked as lost. */
  gapsBetween(from: number, to: number): number[] {
    const video = this.recorder.tracks.find(({ name }) => name.startsWith('v'));
    return (video?.gaps ?? [])
      .map(numberOf)
      .filter((k) => (k + 1) * SEGMENT_SECONDS > from && k * SEGMENT_SECONDS < to);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** Looks each 10 ms, since the time that it takes is the result, until `look` finds something. */
export async function soon<T>(look: () => Promise<T | undefined> | T | undefined, what: string): Promise<T> {
  for (const until = performance.now() + HEAL_MS; ; ) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > until) throw new Error(`did not happen within ${HEAL_MS} ms: ${what}`);
    await delay(10);
  }
}

const numberOf = (uri: string | undefined): number => Number(/(\d+)\.m4s$/.exec(uri ?? '')?.[1] ?? -1);
