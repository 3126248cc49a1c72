/**
 * The engine of one broadcast: decode → compose → encode → output on the broadcast's grid.
 *
 * Timestamps. All times are program time in ms, as the pacer has it. Frame *n* is composed when `n / fps` has come and
 * labelled *n*; no number is ever left out. When composing has no time left (backlog.ts tells),
 * the picture that was last drawn is encoded again: the grid repeats, it never skips. Sound is mixed when its program
 * time has passed, so it follows the picture by up to three AAC frames inside the parts, never in its label.
 *
 * Races. A job is prepared (decoders, cards) in the order in which jobs came, one at a time, and applied between two frames
 * by the loop, where nothing is being drawn. So is a job that is prepared again because an image has arrived. A job may be prepared before the one ahead of it holds: what a coming job needs
 * is not dropped when an earlier one, which has no use for it, is applied.
 *
 * Under CPU pressure the program gives way in steps (PressureController.ts), of which the encoder knows nothing: it is given a
 * picture for each frame of the grid.
 */
import type { Logger } from '../src/common/logger.ts';
import { TypedEmitter } from '../src/common/TypedEmitter.ts';
import { type DegradationStep, degradesTo } from '../src/contracts/degradation.ts';
import { frameTimeMs, type Grid, segmentFirstFrame } from '../src/contracts/grid.ts';
import type { SourceId } from '../src/contracts/ids.ts';
import type { Job } from '../src/contracts/job.ts';
import { askedSizes } from '../src/layout/askedSizes.ts';
import { transitionFrames } from '../src/layout/transition.ts';
import { AssetCache } from './assets/AssetCache.ts';
import { isInTime, MAX_REPEATED_FRAMES } from './backlog.ts';
import { ProgramSound } from './compose/ProgramSound.ts';
import { type Stage, Stager, sourcesSeen } from './compose/Stage.ts';
import { VideoComposer } from './compose/VideoComposer.ts';
import { type DecodeStats, SourceSet } from './decode/SourceSet.ts';
import { FrameEncoding } from './encode/FrameEncoding.ts';
import { audioFrameEndMs, ProgramEncoder, sortRenditions } from './encode/ProgramEncoder.ts';
import { SlateMaker } from './encode/SlateMaker.ts';
import type { PartSink } from './output/PartSink.ts';
import type { Pacer } from './Pacer.ts';
import { type PipelineFigures, PipelineMeter } from './PipelineMeter.ts';
import { PressureController } from './PressureController.ts';
import type { PipelineEvents, PipelineOptions } from './pipelineInterface.ts';
import type { EncodedAudio, EncodedVideo } from './types.ts';

interface StagedJob {
  readonly job: Job;
  stage: Stage;
}

/** The last AAC frame of a part may end one frame after it, and comes out of the encoder two later: 64 ms, and a tick. */
const AUDIO_TAIL_SECONDS = 0.2;

type State = 'ready' | 'running' | 'ended';

export class Pipeline extends TypedEmitter<PipelineEvents> {
  readonly #grid: Grid;
  readonly #framePeriodMs: number;
  readonly #firstFrame: number;
  readonly #pacer: Pacer;
  readonly #logger: Logger;
  readonly #sources: SourceSet;
  readonly #assets: AssetCache;
  readonly #stager: Stager;
  readonly #composer: VideoComposer;
  readonly #sound: ProgramSound;
  readonly #encoder: ProgramEncoder;
  readonly #encoding: FrameEncoding;
  readonly #slateMaker: SlateMaker;
  readonly #sink: PartSink;
  readonly #meter = new PipelineMeter();
  readonly #pressure: PressureController;
  readonly #abort = new AbortController();
  #state: State = 'ready';
  #staging: Promise<void> = Promise.resolve();
  #staged: StagedJob[] = [];
  /** The job that holds. */
  #present: StagedJob | null = null;
  #stagingAgain = false;
  /** The present job's stage is another than the composer's. */
  #redraw = false;
  /** The job that is being prepared. */
  #preparing: Job | null = null;
  #audioFrame: number;
  /** The newest frame that was not a repetition. */
  #composedFrame = Number.NEGATIVE_INFINITY;
  /** The frame at which the video ends; known once `stop` was given a segment. */
  #endFrame = Number.POSITIVE_INFINITY;
  #stopSegment: number | null = null;
  #seen = '';
  #isLeaving = false;
  #loop: Promise<void> = Promise.resolve();

  private constructor(
    options: PipelineOptions,
    parts: {
      sources: SourceSet;
      assets: AssetCache;
      stager: Stager;
      composer: VideoComposer;
      encoder: ProgramEncoder;
      slateMaker: SlateMaker;
    },
  ) {
    super();
    const { job, pacer, logger } = options;
    this.#grid = job.grid;
    this.#framePeriodMs = 1000 / job.grid.fps;
    this.#pressure = new PressureController(this.#framePeriodMs);
    this.#firstFrame = segmentFirstFrame(job.grid, job.firstSegment);
    this.#pacer = pacer;
    this.#logger = logger;
    this.#sources = parts.sources;
    this.#assets = parts.assets;
    this.#stager = parts.stager;
    this.#composer = parts.composer;
    this.#encoder = parts.encoder;
    this.#encoding = new FrameEncoding(parts.encoder, pacer);
    this.#slateMaker = parts.slateMaker;
    this.#sink = options.sink;
    this.#audioFrame = parts.encoder.firstAudioFrame;
    this.#assets.on('arrived', () => this.#stageAgain());
    this.#sound = new ProgramSound((id) => this.#assets.file(id), logger, options.tap?.listeners);
  }

  /** Opens encoders and decoders, draws the first picture's cards, and puts init segments and silence. */
  static async create(options: PipelineOptions): Promise<Pipeline> {
    const { job, sink, logger } = options;
    const { video, videos } = sortRenditions(job.renditions);
    const assets = new AssetCache(job, logger);
    const stager = new Stager(video.width, video.height, assets);
    const slate = await stager.slate(job.scene);
    const encoder = await ProgramEncoder.create(job, sink, logger, options.tap);
    const { settings } = encoder;
    options.onEncoder?.(settings.codec);
    await encoder.putInits(job, sink);
    const slateMaker = await SlateMaker.create({ renditions: videos, grid: job.grid, settings, slate });
    let pipeline: Pipeline | null = null;
    const sources = new SourceSet(logger, (source) => pipeline?.emit('keyframe', source));
    const { width, height } = video;
    const composer = new VideoComposer({ width, height, fps: job.grid.fps, logger });
    pipeline = new Pipeline(options, { sources, assets, stager, composer, encoder, slateMaker });
    await pipeline.#prepare(job);
    return pipeline;
  }

  get state(): State {
    return this.#state;
  }

  /** Begins to compose: returns at once, the first frame is the first one of the job's first segment. */
  start(): void {
    if (!this.#advance('running')) return;
    this.#loop = this.#run();
  }

  /** A later job. `applied` tells from which frame it holds: its own, or the next one when that is past. */
  applyJob(job: Job): void {
    this.#staging = this.#staging.then(() => this.#prepare(job)).catch((error: unknown) => this.#fail(error));
  }

  writeVideo(video: EncodedVideo): void {
    if (this.#state !== 'ended') this.#sources.writeVideo(video);
  }

  writeAudio(audio: EncodedAudio): void {
    if (this.#state !== 'ended') this.#sources.writeAudio(audio);
  }

  /** Ends after segment `lastSegment`, or at once (what is in no whole part yet is left out). `ended` follows. */
  stop(lastSegment?: number): void {
    if (this.#state === 'ready') this.#end();
    if (lastSegment === undefined) this.#abort.abort();
    else {
      this.#stopSegment = lastSegment;
      this.#endFrame = segmentFirstFrame(this.#grid, lastSegment + 1);
    }
  }

  /** Ends at once and resolves when everything is freed. */
  async close(): Promise<void> {
    this.stop();
    await this.#loop;
    await this.#staging;
  }

  get degradation(): DegradationStep {
    return this.#pressure.step;
  }

  /** Since the last call where it says so, else since the start. */
  takeFigures(): PipelineFigures {
    this.#meter.put(this.#state === 'ended' ? 0 : this.#encoder.bytes);
    return this.#meter.take();
  }

  decodeStats(): Record<SourceId, DecodeStats> {
    return this.#sources.stats();
  }

  /** Each audio source's automatic gain, dB: a successor goes on with it. */
  gainsDb(): Record<SourceId, number> {
    return this.#sound.gainsDb();
  }

  /** Resolves when all that was written is decoded or waits for its time, and jobs with their images are prepared. For tests. */
  async settled(): Promise<void> {
    await this.#staging;
    await this.#assets.settled();
    await this.#staging;
    await this.#sources.settled();
    await this.#sound.settled();
    await this.#encoding.idle();
  }

  async #prepare(job: Job): Promise<void> {
    if (this.#state === 'ended') return;
    this.#preparing = job;
    this.#assets.update(job);
    try {
      await this.#sources.add(job.sources);
      const stage = await this.#stager.stage(job);
      this.#slateMaker.renew(await this.#stager.slate(job.scene));
      if (this.#abort.signal.aborted) return;
      // Decoding begins now, so that there is a picture when the job holds.
      this.#sources.wake(sourcesSeen(stage));
      this.#staged.push({ job, stage });
    } finally {
      this.#preparing = null;
    }
  }

  /** An image is there that was not: what is shown and what comes is drawn again. Several that come together are one change. */
  #stageAgain(): void {
    if (this.#stagingAgain || this.#state === 'ended') return;
    this.#stagingAgain = true;
    const again = async () => {
      this.#stagingAgain = false;
      // One of these may be applied meanwhile: then it is the present one when its turn comes.
      for (const staged of [...this.#staged]) staged.stage = await this.#stager.stage(staged.job);
      const present = this.#present;
      if (present) present.stage = await this.#stager.stage(present.job);
      const newest = this.#staged.at(-1) ?? present;
      if (newest) this.#slateMaker.renew(await this.#stager.slate(newest.job.scene));
      this.#redraw = present !== null && present === this.#present;
    };
    this.#staging = this.#staging.then(again).catch((error: unknown) => this.#fail(error));
  }

  async #run(): Promise<void> {
    let error: unknown;
    try {
      const now = Math.floor(this.#pacer.nowMs() / this.#framePeriodMs);
      // Before the first frame pictures are followed already, so that none piles up.
      for (let n = Math.min(now, this.#firstFrame); ; n++) {
        await this.#pacer.until(frameTimeMs(this.#grid, n), this.#abort.signal);
        if (this.#abort.signal.aborted || this.#isDone(n)) break;
        this.#applyDue(n);
        if (n < this.#firstFrame) this.#sources.show(frameTimeMs(this.#grid, n), this.#framePeriodMs);
        else {
          await this.#frame(n);
          await this.#makeSlate(n);
        }
      }
    } catch (thrown) {
      error = thrown;
    }
    await this.#encoding.idle().catch((thrown: unknown) => (error ??= thrown));
    this.#end(error);
  }

  /** Sound of the last segment comes out a little after its pictures. */
  #isDone(n: number): boolean {
    if (this.#stopSegment === null || n < this.#endFrame) return false;
    const whole = this.#encoder.lastSegment;
    return n > this.#endFrame + this.#grid.fps * AUDIO_TAIL_SECONDS || (whole !== null && whole >= this.#stopSegment);
  }

  async #frame(n: number): Promise<void> {
    const timeMs = frameTimeMs(this.#grid, n);
    if (n < this.#endFrame) {
      const late = () => this.#pacer.nowMs() - timeMs > this.#framePeriodMs;
      this.#judgePressure(n);
      const { step } = this.#pressure;
      const rests = degradesTo(step, 'half-program-rate') && n % 2 !== 0;
      // Also where the last picture is repeated for want of time: decoding goes on, and what is drawn next is of its time.
      if (!rests)
        this.#sources.show(timeMs, this.#framePeriodMs, step === 'half-source-rate' ? ((n % 2) as 0 | 1) : null);
      const repeated = n - this.#composedFrame - 1;
      const hasTime = isInTime(this.#pacer.nowMs() - timeMs, this.#framePeriodMs);
      const fresh = (hasTime && !rests) || repeated >= MAX_REPEATED_FRAMES;
      if (fresh) {
        this.#composedFrame = n;
        const startedAt = performance.now();
        await this.#composer.compose(n, timeMs, (source) => this.#sources.picture(source));
        if (this.#isLeaving && this.#present && !this.#composer.isMoving) this.#keepSeen(this.#present);
        this.#meter.composed(n, performance.now() - startedAt, late());
      } else this.#meter.repeated(n, late());
      await this.#encoding.begin(this.#composer.canvas.frame, { number: n, timeMs, fresh, repeated: !hasTime });
    }
    // While the picture is encoded on the thread pool, this thread mixes.
    this.#mixUntil(timeMs);
  }

  /** Looks at what was encoded since the last frame: a step holds for whole frames. */
  #judgePressure(n: number): void {
    for (const { atMs, timeMs, tookMs, repeated } of this.#encoding.take()) {
      this.#meter.encoded(tookMs);
      if (this.#pressure.frame(atMs, { lagMs: atMs - timeMs, repeated })) this.#degrade(n);
    }
  }

  #degrade(fromFrame: number): void {
    const { step } = this.#pressure;
    this.#logger.debug({ step, fromFrame }, 'program gives way to CPU pressure');
    this.emit('degraded', step, fromFrame);
    this.#tellSeen();
  }

  /** One frame of the slate, when there is time for it. */
  async #makeSlate(n: number): Promise<void> {
    const nextMs = frameTimeMs(this.#grid, n) + this.#framePeriodMs;
    if (!this.#slateMaker.hasWork || this.#pacer.nowMs() > nextMs) return;
    await this.#encoding.idle();
    if (this.#pacer.nowMs() > nextMs) return;
    const slate = await this.#slateMaker.step();
    if (!slate) return;
    const put = this.#sink.putSlate(slate.rendition, slate.bytes);
    put.catch((error: unknown) => this.#logger.warn({ err: error }, 'delivery has no slate'));
  }

  /** Mixes all AAC frames that are over by `timeMs`. */
  #mixUntil(timeMs: number): void {
    while (audioFrameEndMs(this.#grid, this.#audioFrame) <= timeMs) {
      this.#encoder.encodeAudio(this.#audioFrame, this.#sound.mix(this.#audioFrame));
      this.#audioFrame += 1;
    }
  }

  #applyDue(n: number): void {
    const frame = Math.max(n, this.#firstFrame);
    while (this.#staged[0] && this.#staged[0].job.fromFrame <= frame) {
      const staged = this.#staged.shift();
      if (staged) this.#apply(staged, frame);
    }
    if (this.#redraw && this.#present) this.#composer.setStage(this.#present.stage, frame);
    this.#redraw = false;
  }

  #apply(staged: StagedJob, frame: number): void {
    const { job, stage } = staged;
    this.#sound.apply(job, (id) => this.#sources.track(id));
    this.#present = staged;
    // A transition is a function of the grid; a job that came too late for that has its own.
    const late = frame - job.fromFrame >= transitionFrames(stage.transition, this.#grid.fps);
    this.#composer.setStage(stage, late ? frame : job.fromFrame);
    this.#keepSeen(staged);
    this.emit('applied', frame);
  }

  /** Lets sources rest that are not seen: of tiles that leave when they have left. */
  #keepSeen({ job, stage }: StagedJob): void {
    const { leaving } = this.#composer;
    this.#isLeaving = leaving.length > 0;
    const coming = [...this.#staged.map((staged) => staged.job), ...(this.#preparing ? [this.#preparing] : [])];
    const stages = [stage, ...this.#staged.map((staged) => staged.stage), { tiles: leaving }];
    const seen = new Set(stages.flatMap(sourcesSeen));
    this.#sources.keep(
      [job, ...coming].flatMap(({ sources }) => sources),
      seen,
    );
    this.#tellSeen();
  }

  #tellSeen(): void {
    if (!this.#present) return;
    const tiles = [...this.#composer.leaving, ...this.#present.stage.tiles];
    const sizes = askedSizes(tiles, this.#composer.canvas, this.#pressure.step);
    const text = JSON.stringify(sizes);
    if (text === this.#seen) return;
    this.#seen = text;
    this.emit('seen', sizes);
  }

  #fail(error: unknown): void {
    this.#logger.error({ err: error }, 'a job could not be prepared');
  }

  #end(error?: unknown): void {
    if (!this.#advance('ended')) return;
    this.#abort.abort();
    const { lastSegment } = this.#encoder;
    this.#meter.put(this.#encoder.bytes);
    const parts = [this.#sources, this.#assets, this.#sound, this.#composer, this.#slateMaker, this.#encoder];
    for (const part of parts) part.close();
    this.emit('ended', error === undefined ? { lastSegment } : { lastSegment, error });
  }

  #advance(next: State): boolean {
    const order: State[] = ['ready', 'running', 'ended'];
    if (order.indexOf(next) <= order.indexOf(this.#state)) return false;
    this.#logger.debug({ from: this.#state, to: next }, 'pipeline state');
    this.#state = next;
    return true;
  }
}
