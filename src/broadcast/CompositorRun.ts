import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import type { CompositorEndReason } from '../contracts/control.ts';
import type { DegradationStep } from '../contracts/degradation.ts';
import { segmentFirstFrame } from '../contracts/grid.ts';
import type { Job } from '../contracts/job.ts';
import { CompositorLink, type CompositorLinkOptions, type LinkEnd, type LinkMessage } from './CompositorLink.ts';
import type { CompositorRunEvents } from './CompositorRunEvents.ts';
import { type Carried, carriedOf, withCarry } from './carry.ts';
import { DecodedSources } from './DecodedSources.ts';
import {
  buildJob,
  encodedWith,
  frameAt,
  type Placement,
  type Program,
  peersOf,
  sameWork,
  seenByLayout,
  shownSpeakers,
  sourcesOf,
} from './jobs.ts';
import { type MediaSide, MediaTap } from './MediaTap.ts';
import type { BroadcastMetrics } from './metrics.ts';
import { ReturnFeed } from './ReturnFeed.ts';
import type { RoomTap } from './RoomTap.ts';
import type { Speakers } from './Speakers.ts';

/** Changes that come together make one job; the first is not held back, ms. */
const JOB_INTERVAL_MS = 50;
/** A new job holds from this many frames ahead: its way to the compositor and the clocks' error fit in. */
const AHEAD_FRAMES = 4;
/** From the first job to `ready`; the agent's own limit is shorter, ms. */
const READY_LIMIT_MS = 25_000;
/** From `stop` to `ended`; the agent's own limits (message, SIGTERM, SIGKILL) together are shorter, ms. */
const STOP_LIMIT_MS = 15_000;
/** The job's token is renewed, since broadcasts may last longer than tokens, ms. */
const TOKEN_RENEWAL_MS = 12 * 3_600_000;
/** A source that could not be consumed is tried again after, ms. */
const RETRY_MS = 1_000;

export interface CompositorRunOptions extends Omit<CompositorLinkOptions, 'token'> {
  room: RoomTap;
  /** The broadcast's. */
  speakers: Speakers;
  mediaIp: string;
  newToken: () => Promise<string>;
  metrics: BroadcastMetrics;
}

/** One compositor at work for a broadcast: its connection, its media tap, its jobs. Never used again after its end. */
export class CompositorRun extends TypedEmitter<CompositorRunEvents> {
  readonly compositor: string;
  readonly agentUrl: string;
  readonly decoded = new DecodedSources();
  /** The program on its way back to the room. */
  readonly back: ReturnFeed;
  readonly #end = Promise.withResolvers<LinkEnd>();
  /** Settles, never rejects, when the compositor is gone or given up. */
  readonly ended = this.#end.promise;
  /** The number that is spoken with its agent. */
  readonly protocol: number;
  readonly #room: RoomTap;
  readonly #options: CompositorRunOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #link: CompositorLink;
  readonly #bound: MediaSide;
  readonly #abort = new AbortController();
  #fence: number;
  #tap: MediaTap;
  #state: 'bound' | 'started' | 'ready' | 'stopping' | 'ended' = 'bound';
  #ready: (() => void) | undefined;
  #program: Program | undefined;
  #placement: Placement | undefined;
  #carried: Readonly<Record<string, Carried>> = {};
  #job: Job | undefined;
  /** The newest job's first frame; -1 before the first job. */
  #lastFrom = -1;
  #jobAt = Number.NEGATIVE_INFINITY;
  /** Jobs that the compositor has not answered with `applied`. */
  #unapplied: { fromFrame: number; ssrcs: number[] }[] = [];
  #wish: { change: boolean; retap: boolean } = { change: false, retap: false };
  #working: Promise<unknown> = Promise.resolve();
  #looping = false;
  #degradation: DegradationStep = 'none';
  #retry: NodeJS.Timeout | undefined;
  #renewal: NodeJS.Timeout | undefined;

  private constructor(options: CompositorRunOptions, link: CompositorLink, bound: MediaSide, tap: MediaTap) {
    super();
    this.compositor = options.compositor;
    this.#fence = options.fence;
    this.agentUrl = options.agentUrl;
    this.#options = options;
    this.#room = options.room;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#link = link;
    this.#bound = bound;
    this.#tap = tap;
    this.protocol = link.protocol;
    this.back = new ReturnFeed({ ...options, monitors: options.room.monitors, link, tap: () => this.#tap });
  }

  /** The first segment that it puts; 0 before it has a job. */
  get firstSegment(): number {
    return this.#placement?.firstSegment ?? 0;
  }

  get fence(): number {
    return this.#fence;
  }

  /** Its agent goes: the broadcast is to be handed over. */
  get draining(): boolean {
    return this.#link.draining;
  }

  /** When it said something last, on the clock, ms. */
  get heardAt(): number {
    return this.#link.heardAt;
  }

  get degradation(): DegradationStep {
    return this.#degradation;
  }

  /** Gets a compositor from the agent and joins it to the room's router; it has no job yet. Rejects with `no-capacity` when there is none. */
  static async create(options: CompositorRunOptions): Promise<CompositorRun> {
    const { link, bound } = await CompositorLink.open({ ...options, token: await options.newToken() });
    const side: MediaSide = { ip: bound.ip, port: bound.port, srtpParameters: bound.srtpParameters };
    try {
      const tap = await MediaTap.create({ ...options, router: options.room.router, compositor: side });
      const run = new CompositorRun(options, link, side, tap);
      link.on('message', (message) => run.#receive(message));
      link.ended.then((end) => run.#over(end)).catch(() => {});
      link.send({ type: 'connect', ...tap.side });
      options.room.on('changed', run.#onChanged);
      options.room.on('router-replaced', run.#onRouterReplaced);
      options.speakers.on('changed', run.#onSpeakers);
      return run;
    } catch (error) {
      link.close();
      throw error;
    }
  }

  /** Sends the first job; resolves when the compositor is ready and media flows, at once when it is already. Rejects when it ends before. */
  async start(program: Program, firstSegment: number, carried: Readonly<Record<string, Carried>>): Promise<void> {
    if (this.#state === 'ready') return;
    this.#program = program;
    this.#placement = { compositor: this.compositor, fence: this.fence, firstSegment };
    this.#carried = carried;
    this.#state = 'started';
    const ready = new Promise<void>((resolve) => {
      this.#ready = resolve;
    });
    await this.#queue(() => this.#sendJob(true));
    const limit = setTimeout(() => this.fail('start-timeout', 'the compositor was not ready in time'), READY_LIMIT_MS);
    try {
      const ended = this.ended.then(({ reason, message }) => {
        throw new Error(`the compositor ended before it was ready: ${reason} (${message})`);
      });
      await Promise.race([ready, ended]);
    } finally {
      clearTimeout(limit);
    }
  }

  /** Sends the room as it is now as a new job, at once, unless a job has it already; the frame from which it holds. */
  async apply(): Promise<number> {
    this.#wish.change = false;
    return this.#queue(() => this.#sendJob(false));
  }

  /** What the broadcast costs now. */
  costs(slots: number): void {
    this.#link.costs(slots);
  }

  /** It owns the broadcast anew, with a higher fence: its parts carry that one from now on. */
  refence(fence: number): void {
    this.#fence = fence;
    if (this.#placement) this.#placement = { ...this.#placement, fence };
    this.#renew();
  }

  /** Its parts go to another delivery node, from segment `deliveryFrom` on. */
  deliverTo({ deliveryUrl, deliveryFrom }: Pick<Program, 'deliveryUrl' | 'deliveryFrom'>): void {
    if (!this.#program) return;
    this.#program = { ...this.#program, deliveryUrl, deliveryFrom: deliveryFrom ?? 0 };
    this.#renew();
  }

  /** Asks the compositor to finish `lastSegment`, or else what is complete; resolves when it is gone. */
  async stop(lastSegment?: number): Promise<LinkEnd> {
    if (this.#state !== 'ended') {
      this.#state = 'stopping';
      this.emit('stopping');
      this.#link.send({ type: 'stop', ...(lastSegment === undefined ? {} : { lastSegment }) });
      const limit = setTimeout(() => this.fail('unresponsive', 'the compositor did not stop in time'), STOP_LIMIT_MS);
      await this.ended;
      clearTimeout(limit);
    }
    return this.ended;
  }

  /** Gives the compositor up; the agent ends the child. */
  fail(reason: CompositorEndReason, message: string): void {
    this.#link.close();
    this.#over({ reason, lastSegment: null, message });
  }

  /** It goes on without us, until another controller's is taken. */
  letGo(): void {
    this.#link.letGo();
    this.#over({ reason: 'control-lost', lastSegment: null, message: 'let go' });
  }

  readonly #onChanged = (): void => {
    this.#wish.change = true;
    this.#loop();
  };

  readonly #onSpeakers = (): void => {
    const job = this.#job;
    if (!job) return;
    const shown = shownSpeakers(job.scene, job.peers, this.#options.speakers);
    if (shown.active !== job.active || shown.speaking.join() !== job.speaking.join()) this.#onChanged();
  };

  readonly #onRouterReplaced = (): void => {
    this.#wish.retap = true;
    this.#loop();
  };

  /** Race: room changes, a new router and applied scenes each take several answers of mediasoup; one at a time, in order. */
  #queue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#working.then(work);
    this.#working = done.catch(() => {});
    return done;
  }

  /** Carries out wishes until there are none. Before `ready` they wait. */
  #loop(): void {
    if (this.#looping || this.#state !== 'ready') return;
    this.#looping = true;
    this.#carryOut().then(
      () => {
        this.#looping = false;
        // Race: a wish may have come after the last look and before this.
        if (this.#wish.change || this.#wish.retap) this.#loop();
      },
      (error: unknown) => {
        this.#looping = false;
        if (this.#state !== 'ready') return;
        this.#logger.warn({ err: error }, 'job could not be made');
        this.#retryLater();
      },
    );
  }

  async #carryOut(): Promise<void> {
    while (this.#state === 'ready' && (this.#wish.change || this.#wish.retap)) {
      const wait = this.#jobAt + JOB_INTERVAL_MS - this.#clock.now();
      if (wait > 0) await delay(wait, undefined, { signal: this.#abort.signal }).catch(() => {});
      const { retap } = this.#wish;
      this.#wish = { change: false, retap: false };
      await this.#queue(async () => {
        if (this.#state !== 'ready') return;
        if (retap || this.#tap.closed) await this.#retap();
        await this.#sendJob(false);
      });
    }
  }

  async #retap(): Promise<void> {
    this.#tap.close();
    try {
      this.#tap = await MediaTap.create({ ...this.#options, router: this.#room.router, compositor: this.#bound });
    } catch (error) {
      // Race: the new worker died as well; the room has another router by now or will say when it has.
      if (this.#room.router.closed) return;
      throw error;
    }
    this.#unapplied = [];
    this.#job = undefined;
    this.#link.send({ type: 'connect', ...this.#tap.side });
    this.back.retapped();
    this.#logger.info('compositor joined to a new router');
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(this.#onChanged, RETRY_MS);
  }

  #renew(): void {
    this.#queue(() => this.#sendJob(true)).catch((error: unknown) =>
      this.#logger.warn({ err: error }, 'token or fence could not be renewed'),
    );
  }

  /** The frame from which the job holds. `force`: even when it asks for nothing new. */
  async #sendJob(force: boolean): Promise<number> {
    const [room, program, placement] = [this.#room, this.#program, this.#placement];
    const working = this.#state === 'started' || this.#state === 'ready';
    if (!program || !placement || !working || this.#tap.closed) return Math.max(0, this.#lastFrom);
    const token = await this.#options.newToken();
    const peers = peersOf(room.people());
    const { wiring, missed } = await this.#tap.sync(sourcesOf(peers, room.sources()));
    if (missed > 0) this.#retryLater();
    // In the first job only: what a predecessor knew.
    const first = this.#lastFrom < 0;
    const sources = first ? wiring.map((source) => withCarry(source, this.#carried, this.#tap)) : wiring;
    const ahead = frameAt(program, this.#clock.now()) + AHEAD_FRAMES;
    const begin = segmentFirstFrame(program.grid, placement.firstSegment);
    const fromFrame = first ? begin : Math.max(begin, ahead, this.#lastFrom + 1);
    const { scene } = room.scene;
    const shown = shownSpeakers(scene, peers, this.#options.speakers);
    const of = { protocol: this.protocol, program, placement };
    const job = buildJob({ ...of, token, fromFrame, scene, peers, sources, ...shown });
    if (!force && this.#job && sameWork(this.#job, job)) return this.#lastFrom;
    this.#job = job;
    this.#lastFrom = fromFrame;
    this.#jobAt = this.#clock.now();
    this.#unapplied.push({ fromFrame, ssrcs: wiring.map((source) => source.ssrc) });
    this.#tap.see(seenByLayout(job, this.#degradation));
    this.#link.send({ type: 'job', job });
    this.#options.metrics.jobs.inc();
    return fromFrame;
  }

  #receive(message: LinkMessage): void {
    switch (message.type) {
      case 'ready':
        if (this.#state !== 'started') return;
        this.#state = 'ready';
        this.#applied(Number.POSITIVE_INFINITY);
        this.#ready?.();
        if (this.#program) this.emit('ready', this.#program, this.firstSegment);
        this.#renewal = setInterval(() => this.#renew(), TOKEN_RENEWAL_MS);
        this.#loop();
        return;
      case 'applied':
        if (this.#state === 'ready') this.#applied(message.fromFrame);
        return;
      case 'stats':
        this.#tap.learn(message.stats.sources);
        this.decoded.add(message.stats.sources);
        this.emit('stats', message.stats);
        return;
      case 'seen':
        this.#tap.see(message.sources);
        return;
      case 'encoder':
        if (this.#program) this.#program = encodedWith(this.#program, message.codec);
        this.emit('encoder', message.codec);
        return;
      case 'degraded':
        this.#degradation = message.step;
        this.emit('degraded', message.step, message.fromFrame);
        return;
      case 'keyframe':
        this.emit('keyframe');
        return;
      case 'carry':
        this.emit('carry', carriedOf(message.sources, this.#tap));
        return;
      case 'draining':
        this.emit('draining');
        return;
      default:
    }
  }

  #applied(upTo: number): void {
    const applied = this.#unapplied.filter((job) => job.fromFrame <= upTo);
    this.#unapplied = this.#unapplied.filter((job) => job.fromFrame > upTo);
    this.#tap.release(applied.flatMap((job) => job.ssrcs));
  }

  #over(end: LinkEnd): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#abort.abort();
    clearTimeout(this.#retry);
    clearInterval(this.#renewal);
    this.#room.off('changed', this.#onChanged);
    this.#room.off('router-replaced', this.#onRouterReplaced);
    this.#options.speakers.off('changed', this.#onSpeakers);
    this.back.close();
    this.#tap.close();
    this.#end.resolve(end);
  }
}
