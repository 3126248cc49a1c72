/**
 * One broadcast's compositor process, from the controller's messages to the end: ingest → Pipeline → delivery. `main.ts` gives
 * it the IPC channel; the agent relays both ways and supervises.
 *
 * Who closes whom: the child closes the pipeline first (its last parts go to the sink), then the sink, then the way back to the room, then ingest.
 */
import { ClockFollower, type Exchange, monotonicClock } from '../src/common/clock.ts';
import type { Logger } from '../src/common/logger.ts';
import { type CompositorEndReason, type CompositorStats, ControllerMessage } from '../src/contracts/control.ts';
import type { Job } from '../src/contracts/job.ts';
import type { ChildMessage } from './agent/childProtocol.ts';
import { MediaIngest } from './ingest/MediaIngest.ts';
import { DeliverySink } from './output/DeliverySink.ts';
import { ProgramPacer } from './Pacer.ts';
import { Pipeline } from './Pipeline.ts';
import { percentile } from './PipelineMeter.ts';
import { ProgramReturn } from './return/ProgramReturn.ts';
import type { EncodedAudio, EncodedVideo } from './types.ts';

/** Statistics, what a successor needs, and the clock, ms. */
const REPORT_MS = 1000;
/**
 * The first questions after the clock come close together. The follower sets its offset by the first exchange it is
 * given and only slews from then on, so it is given the best of these first.
 */
const CLOCK_BURST = 5;
const CLOCK_BURST_MS = 30;
/** At the end the last parts have this long to arrive, ms. */
const FLUSH_MS = 2000;

export interface ChildOptions {
  mediaIp: string;
  mediaPorts: readonly [number, number];
  logger: Logger;
  send(message: Exclude<ChildMessage, { type: 'warm' }>): void;
  /** The process may go: everything is closed and said. */
  exit(code: 0 | 1): void;
}

interface Work {
  pipeline: Pipeline;
  sink: DeliverySink;
}

export class Child {
  readonly #options: ChildOptions;
  readonly #logger: Logger;
  readonly #follower = new ClockFollower();
  readonly #pacer = new ProgramPacer(this.#follower, async () => this.#ingest?.drained());
  readonly #synchronised = Promise.withResolvers<void>();
  #firstExchanges: Exchange[] = [];
  #ingest: MediaIngest | null = null;
  /** The program for those in the room who ask for it; there is one as long as there is an ingest. */
  #back: ProgramReturn | undefined;
  #work: Work | null = null;
  #timers: NodeJS.Timeout[] = [];
  #endReason: CompositorEndReason | null = null;
  #lastSegment: number | null = null;
  /** Messages take effect in the order in which they came, although opening takes time. */
  #queue: Promise<void> = Promise.resolve();

  constructor(options: ChildOptions) {
    this.#options = options;
    this.#logger = options.logger;
  }

  /** A message of the controller, parsed here. */
  receive(raw: unknown): void {
    const receivedAt = monotonicClock.now();
    const parsed = ControllerMessage.safeParse(raw);
    if (!parsed.success) {
      this.#logger.warn({ issues: parsed.error.issues.slice(0, 3) }, 'message of the controller not understood');
      return;
    }
    const message = parsed.data;
    // Not behind the queue: a clock answer is only worth something at once, and a stop must not wait for an opening.
    if (message.type === 'clock') this.#clock({ t0: message.t0, t1: message.t1, t2: message.t2, t3: receivedAt });
    else if (message.type === 'stop') this.stop('stopped', message.lastSegment);
    else this.#queue = this.#queue.then(() => this.#take(message)).catch((error: unknown) => this.crash(error));
  }

  /** Ends: after `lastSegment` when it is given, else with the parts that are whole now. */
  stop(reason: CompositorEndReason, lastSegment?: number): void {
    this.#endReason ??= reason;
    if (this.#work) this.#work.pipeline.stop(lastSegment);
    else this.#finish();
  }

  /** Something that must not happen did. */
  crash(error: unknown): void {
    this.#logger.fatal({ err: error }, 'compositor failed');
    this.#stopTimers();
    this.#endReason = 'crashed';
    this.#say('crashed', error instanceof Error ? error.message : String(error));
    this.#options.exit(1);
  }

  async #take(message: Exclude<ControllerMessage, { type: 'clock' | 'stop' }>): Promise<void> {
    if (this.#endReason) return;
    switch (message.type) {
      case 'open':
        return this.#open(message.broadcast);
      case 'connect':
        this.#ingest?.connect(message);
        return;
      case 'job':
        return this.#job(message.job);
      case 'return':
        this.#back?.order(message);
        return;
    }
  }

  async #open(broadcast: string): Promise<void> {
    if (this.#ingest) throw new Error('opened twice');
    const { mediaIp, mediaPorts, logger } = this.#options;
    const ingest = await MediaIngest.create({ ip: mediaIp, portRange: mediaPorts, clock: this.#pacer, logger });
    this.#ingest = ingest;
    ingest.on('video', (video: EncodedVideo) => this.#work?.pipeline.writeVideo(video));
    ingest.on('audio', (audio: EncodedAudio) => this.#work?.pipeline.writeAudio(audio));
    ingest.on('keyframe', (source: string) => this.#options.send({ type: 'keyframe', source }));
    ingest.on('closed', () => {
      if (!this.#endReason) this.crash(new Error('the media socket failed'));
    });
    const back = new ProgramReturn({ path: ingest, clock: this.#pacer, logger });
    this.#back = back;
    ingest.on('missed', (ssrc, sequences) => back.missed(ssrc, sequences));
    const { ip, port, srtpParameters } = ingest;
    this.#options.send({ type: 'bound', ip, port, srtpParameters, pid: process.pid, returns: true });
    this.#logger.info({ broadcast, port }, 'compositor opened');
    this.#startClock();
  }

  async #job(job: Job): Promise<void> {
    const ingest = this.#ingest;
    if (!ingest) throw new Error('a job before open');
    if (this.#work) {
      ingest.setSources(job.sources);
      this.#work.sink.update(job);
      this.#work.pipeline.applyJob(job);
      return;
    }
    const sink = new DeliverySink(job, this.#pacer, this.#logger);
    sink.on('fenced', () => this.stop('fenced'));
    sink.on('notTaken', () => this.#options.send({ type: 'not-taken' }));
    // Both take some time, and each counts while a program has a hole: encoders are opened while the clock is asked for.
    const [pipeline] = await Promise.all([
      Pipeline.create({
        job,
        pacer: this.#pacer,
        sink,
        logger: this.#logger,
        ...(this.#back ? { tap: this.#back } : {}),
        onEncoder: (codec) => this.#options.send({ type: 'encoder', codec }),
      }),
      this.#synchronised.promise,
    ]);
    this.#pacer.setStart(job.startMs);
    ingest.setSources(job.sources);
    this.#work = { pipeline, sink };
    pipeline.on('applied', (fromFrame) => this.#options.send({ type: 'applied', fromFrame }));
    pipeline.on('seen', (sources) => this.#options.send({ type: 'seen', sources }));
    pipeline.on('degraded', (step, fromFrame) => this.#options.send({ type: 'degraded', step, fromFrame }));
    pipeline.on('keyframe', (source) => ingest.requestKeyFrame(source));
    pipeline.on('ended', ({ lastSegment, error }) => {
      this.#lastSegment = lastSegment;
      if (error === undefined) this.#finish();
      else this.crash(error);
    });
    // It was told to stop while the pipeline was made.
    if (this.#endReason) {
      pipeline.stop();
      return;
    }
    pipeline.start();
    this.#options.send({ type: 'ready' });
    this.#logger.info({ broadcast: job.broadcast, firstSegment: job.firstSegment }, 'compositor ready');
  }

  #startClock(): void {
    const ask = () => this.#options.send({ type: 'clock-ask', t0: monotonicClock.now() });
    ask();
    for (let i = 1; i < CLOCK_BURST; i++) this.#timers.push(setTimeout(ask, i * CLOCK_BURST_MS));
    // In turn: the controller hears something each half second, and so notices soon when it does not.
    let turn = 0;
    this.#timers.push(setInterval(() => (turn++ % 2 === 0 ? this.#report() : ask()), REPORT_MS / 2));
  }

  #clock(exchange: Exchange): void {
    if (this.#follower.synchronised) {
      this.#follower.add(exchange);
      return;
    }
    this.#firstExchanges.push(exchange);
    if (this.#firstExchanges.length < CLOCK_BURST) return;
    const delayOf = ({ t0, t1, t2, t3 }: Exchange) => t3 - t0 - (t2 - t1);
    this.#firstExchanges.sort((a, b) => delayOf(a) - delayOf(b));
    for (const first of this.#firstExchanges.splice(0)) this.#follower.add(first);
    this.#synchronised.resolve();
  }

  #report(): void {
    if (!this.#work || !this.#ingest) return;
    const { pipeline, sink } = this.#work;
    const ingest = this.#ingest.stats();
    const decode = pipeline.decodeStats();
    const figures = pipeline.takeFigures();
    const none = { packets: 0, lost: 0, recovered: 0, nacks: 0, plis: 0, playoutDelayMs: 0 };
    const sources: CompositorStats['sources'] = {};
    for (const [id, { decoded, dropped, width, height }] of Object.entries(decode)) {
      const { packets, lost, recovered, nacks, plis, playoutDelayMs } = ingest[id] ?? none;
      sources[id] = { packets, lost, recovered, nacks, plis, decoded, dropped, width, height, playoutDelayMs };
    }
    const stats: CompositorStats = {
      ...figures,
      frame: Math.max(0, figures.frame),
      partLatencyMsP95: percentile(sink.takeLatencies(), 0.95),
      cpuSeconds: cpuSecondsNow(),
      rssBytes: process.memoryUsage.rss(),
      clockErrorMs: this.#follower.errorMs,
      degradation: pipeline.degradation,
      sources,
    };
    this.#options.send({ type: 'stats', stats });
    const gains = pipeline.gainsDb();
    const carry = Object.entries(this.#ingest.carry()).map(
      ([id, known]) => [id, { ...known, gainDb: gains[id] ?? 0 }] as const,
    );
    this.#options.send({ type: 'carry', sources: Object.fromEntries(carry) });
  }

  #finish(): void {
    this.#stopTimers();
    const ended = async () => {
      await this.#work?.sink.flush(FLUSH_MS);
      this.#work?.sink.close();
      this.#back?.close();
      this.#ingest?.close();
      this.#say(this.#endReason ?? 'stopped', '');
      this.#options.exit(0);
    };
    ended().catch((error: unknown) => this.crash(error));
  }

  #say(reason: CompositorEndReason, message: string): void {
    const cpuSeconds = cpuSecondsNow();
    this.#options.send({ type: 'ended', reason, lastSegment: this.#lastSegment, message, cpuSeconds });
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }
}

function cpuSecondsNow(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
