/**
 * A delivery node of its own process with one broadcast whose program is put in real time, as a controller and a compositor do it. In: a
 * clip; out: `put` for each part, at the moment when its last byte was given to the kernel.
 */
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { DeliveryLink } from '../../../src/broadcast/DeliveryLink.ts';
import { monotonicClock } from '../../../src/common/clock.ts';
import { newId } from '../../../src/common/ids.ts';
import { Secret } from '../../../src/common/Secret.ts';
import { TypedEmitter } from '../../../src/common/TypedEmitter.ts';
import { partStartMs, partsPerSegment, segmentSeconds } from '../../../src/contracts/grid.ts';
import { DEFAULT_TENANT } from '../../../src/contracts/ids.ts';
import { Rendition } from '../../../src/contracts/job.ts';
import { COMPOSITOR_HEADER, FENCE_HEADER } from '../../../src/contracts/program.ts';
import { Tokens } from '../../../src/tokens/Tokens.ts';
import { GRID, ProgramRun, TestClip } from '../../../test/support/programParts.ts';
import { ServerProcess } from '../../../test/support/ServerProcess.ts';
import { monotonicMs, type Step } from './messages.ts';

export const ROOM = 'bench';
export const VIDEO = { width: 1280, height: 720, bitrate: 2_500_000 } as const;
const RENDITIONS = [
  Rendition.parse({ id: 'v720', kind: 'video', ...VIDEO }),
  Rendition.parse({ id: 'a0', kind: 'audio', bitrate: 128_000 }),
];
const SECRET = '0123456789abcdef0123456789abcdef-bench';
const FENCE = 1;
const TOKEN_SECONDS = 86_400;

interface ProgramEvents {
  put: [rendition: 'v720' | 'a0', step: Step, atMs: number];
}

export class LiveProgram extends TypedEmitter<ProgramEvents> {
  readonly server: ServerProcess;
  readonly broadcast: string;
  readonly #token: string;
  readonly #compositor = newId('c');
  readonly #agent = new Agent({ keepAlive: true });
  readonly #clip: TestClip;
  readonly #link: DeliveryLink;
  readonly #startMs: number;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  /** The newest part that was put. */
  newest: Step = { segment: 0, part: 0 };

  private constructor(o: {
    server: ServerProcess;
    broadcast: string;
    token: string;
    clip: TestClip;
    link: DeliveryLink;
    startMs: number;
  }) {
    super();
    this.server = o.server;
    this.broadcast = o.broadcast;
    this.#token = o.token;
    this.#clip = o.clip;
    this.#link = o.link;
    this.#startMs = o.startMs;
  }

  static async start(): Promise<LiveProgram> {
    // Noise, so that the encoder spends what it is given.
    const clip = await TestClip.make('testsrc2', 'sine=f=440', VIDEO);
    const server = await ServerProcess.start({
      LIANMAI_ROLE: 'delivery',
      LIANMAI_SECRET: SECRET,
      LIANMAI_LOG_LEVEL: 'info',
    });
    const token = await Tokens.create([new Secret(SECRET)]).sign({ aud: 'service', sub: 'bench' }, TOKEN_SECONDS);
    const broadcast = newId('b');
    const startMs = monotonicClock.now();
    const link = await DeliveryLink.open({
      deliveryUrl: server.internalUrl,
      newToken: async () => token,
      order: () => ({
        ...{ type: 'open', protocol: 1, broadcast, room: ROOM, epoch: Date.now(), startMs, grid: GRID, fence: FENCE },
        ...{ renditions: RENDITIONS, dvrSeconds: 0, record: false, transcode: [], destinations: [], playback: 'open' },
        ...{ tenant: DEFAULT_TENANT, captions: [], movedFrom: null },
      }),
      clock: monotonicClock,
      logger: pino({ level: 'silent' }),
    });
    const program = new LiveProgram({ server, broadcast, token, clip, link, startMs });
    await program.#begin();
    return program;
  }

  async close(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    this.#agent.destroy();
    await this.#link.end();
    await this.server.stop();
    this.#clip.close();
  }

  get #programMs(): number {
    return monotonicClock.now() - this.#startMs;
  }

  async #begin(): Promise<void> {
    const { inits, slate } = this.#clip;
    for (const [rendition, kind] of [['v720', 'video'] as const, ['a0', 'audio'] as const]) {
      await this.#put(`${rendition}/init`, inits[kind]);
      await this.#put(`${rendition}/slate`, slate[kind]);
    }
    const from = Math.ceil(this.#programMs / (1000 * segmentSeconds(GRID)));
    this.#link.send({ type: 'take', from, compositor: this.#compositor as never, fence: FENCE as never });
    this.#running = this.#run(from);
    // The fourth part: the playlist has begun.
    const fourth = Promise.withResolvers<void>();
    let parts = 0;
    const onPut = () => {
      if (++parts === 8) fourth.resolve();
    };
    this.on('put', onPut);
    await Promise.race([fourth.promise, this.#running]);
    this.off('put', onPut);
  }

  async #run(from: number): Promise<void> {
    const run = new ProgramRun(this.#clip, from);
    while (!this.#stopped) {
      const { segment, part, video, audio } = run.next();
      await delay(Math.max(0, partStartMs(GRID, segment, part + 1) - this.#programMs));
      const step = { segment, part };
      this.newest = step;
      const put = async (rendition: 'v720' | 'a0', bytes: Buffer) =>
        this.#put(`${rendition}/${segment}/${part}`, bytes, (atMs) => this.emit('put', rendition, step, atMs));
      await Promise.all([put('a0', audio), put('v720', video)]);
    }
    run.close();
  }

  async #put(path: string, body: Buffer, sent: (atMs: number) => void = () => {}): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const put = request(`${this.server.internalUrl}/program/${this.broadcast}/${path}`, {
      method: 'PUT',
      agent: this.#agent,
      headers: {
        authorization: `Bearer ${this.#token}`,
        'content-type': 'application/octet-stream',
        'content-length': body.length,
        [FENCE_HEADER]: String(FENCE),
        [COMPOSITOR_HEADER]: this.#compositor,
      },
    });
    put.on('error', reject);
    put.on('response', (response) => {
      response.resume();
      response.on('end', () => {
        if (response.statusCode === 204) resolve();
        else reject(new Error(`PUT ${path} was answered ${response.statusCode}`));
      });
    });
    put.end(body, () => sent(monotonicMs()));
    await promise;
  }
}

export const PARTS_PER_SEGMENT = partsPerSegment(GRID);
