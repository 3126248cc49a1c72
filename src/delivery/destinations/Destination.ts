/**
 * One RTMP or SRT destination, for as long as its broadcast lives: connects, feeds, and reconnects. In: the program's feed. Out: its
 * status. What happens to it touches nothing else.
 */
import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import { Secret } from '../../common/Secret.ts';
import { TypedEmitter } from '../../common/TypedEmitter.ts';
import type { DestinationOrder, DestinationState, DestinationStatus } from '../../contracts/deliveryControl.ts';
import { AppError } from '../../contracts/errors.ts';
import { type AllowedDestination, type DestinationPolicy, isUnresolved } from '../destinationPolicy.ts';
import type { DeliveryMetrics } from '../metrics.ts';
import { parseDestination } from './destinationUrl.ts';
import type { PresetFiles } from './PresetFiles.ts';
import type { FeedFragment, ProgramFeed } from './ProgramFeed.ts';
import { PushConnection, type PushFailure } from './PushConnection.ts';

/** Waits before the attempts after a failure, ms; the last one for ever. */
const BACKOFF_MS = [0, 1000, 2000, 4000, 8000, 15_000];
/** A connection that was live for this long begins the waits anew, ms. */
const STABLE_MS = 10_000;

export interface DestinationOptions {
  order: DestinationOrder;
  feed: ProgramFeed;
  policy: DestinationPolicy;
  ffmpegPath: string;
  presets: PresetFiles;
  clock: Clock;
  logger: Logger;
  metrics: DeliveryMetrics;
}

interface DestinationEvents {
  status: [status: DestinationStatus];
  closed: [];
}

export class Destination extends TypedEmitter<DestinationEvents> {
  readonly #options: DestinationOptions;
  readonly #url: Secret;
  readonly #logger: Logger;
  readonly #target: string;
  #state: DestinationState = 'connecting';
  #reason = '';
  #connects = 0;
  #finishedBytes = 0;
  #droppedGops = 0;
  #attempt = 0;
  #liveSince = 0;
  #push: PushConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #reported = 0;
  readonly #onFragment = (fragment: FeedFragment): void => this.#feed(fragment);

  constructor(options: DestinationOptions) {
    super();
    this.#options = options;
    this.#url = new Secret(options.order.url);
    this.#logger = options.logger.child({ destination: options.order.id });
    this.#target = targetOf(options.order.url);
    options.metrics.destinations.inc({ state: this.#state });
  }

  get id(): string {
    return this.#options.order.id;
  }

  /** Of the ffmpeg child; undefined while there is none. */
  get pid(): number | undefined {
    return this.#push?.pid;
  }

  get status(): DestinationStatus {
    return {
      id: this.id,
      name: this.#options.order.name,
      target: this.#target,
      state: this.#state,
      reason: this.#reason,
      connects: this.#connects,
      bytes: this.#finishedBytes + (this.#push?.sentBytes ?? 0),
      droppedGops: this.#droppedGops,
    };
  }

  /** Begins to connect. A connection needs the feed's first key frame; until then it waits for it. */
  start(): void {
    if (this.#closing) throw new Error('Destination is closed');
    this.#options.feed.on('fragment', this.#onFragment);
    this.#later(0);
  }

  /** Ends the connection cleanly, within limits. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#options.feed.off('fragment', this.#onFragment);
    await this.#push?.close();
    this.#advance('stopped', this.#reason);
    this.emit('closed');
  }

  #later(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#connect().catch((error: unknown) => this.#failed('crashed', (error as Error).message));
    }, delayMs);
  }

  async #connect(): Promise<void> {
    const { feed, policy, ffmpegPath, presets, clock } = this.#options;
    const { init } = feed;
    // The next fragment comes back to this.
    if (!init || feed.lastGop.length === 0 || this.#closing || this.#push) return;
    let destination: AllowedDestination;
    try {
      destination = await policy(this.#url.reveal());
    } catch (error) {
      if (this.#closing) return;
      if (!(error instanceof AppError) || isUnresolved(error)) this.#failed('unreachable', (error as Error).message);
      else this.#advance('failed', error.message);
      return;
    }
    if (this.#closing || this.#push) return;
    const push = new PushConnection({ destination, init, ffmpegPath, presets, clock });
    this.#push = push;
    push.on('live', () => this.#live());
    push.on('closed', (failure, reason) => this.#closed(push, failure, reason));
    for (const fragment of feed.lastGop) push.push(fragment);
    await push.start();
  }

  #feed(fragment: FeedFragment): void {
    if (this.#push) {
      const dropped = this.#push.push(fragment);
      if (dropped > 0) {
        this.#droppedGops += dropped;
        this.#options.metrics.destinationDroppedGops.inc(dropped);
        this.#report();
      }
    } else if (fragment.key && this.#timer === undefined && this.#state === 'connecting') this.#later(0);
  }

  #live(): void {
    this.#connects += 1;
    this.#liveSince = this.#options.clock.now();
    this.#options.metrics.destinationConnects.inc();
    this.#advance('live', this.#reason);
  }

  #closed(push: PushConnection, failure: PushFailure | null, reason: string): void {
    this.#finishedBytes += push.sentBytes;
    if (failure !== null) this.#logger.debug({ stderr: push.stderr }, 'ffmpeg ended');
    this.#push = undefined;
    if (failure === null || this.#closing) return;
    this.#failed(failure, reason);
  }

  #failed(failure: PushFailure, reason: string): void {
    if (this.#closing) return;
    const { clock, metrics } = this.#options;
    if (this.#state === 'live' && clock.now() - this.#liveSince >= STABLE_MS) this.#attempt = 0;
    metrics.destinationFailures.inc({ reason: failure });
    this.#advance('reconnecting', reason);
    this.#later(BACKOFF_MS[Math.min(this.#attempt, BACKOFF_MS.length - 1)] ?? 0);
    this.#attempt += 1;
  }

  /** `stopped` is for good, `failed` but for `stopped`. */
  #advance(next: DestinationState, reason: string): void {
    const old = this.#state;
    if (old === 'stopped' || (old === 'failed' && next !== 'stopped')) return;
    this.#options.metrics.destinations.dec({ state: old });
    if (next !== 'stopped') this.#options.metrics.destinations.inc({ state: next });
    this.#state = next;
    this.#reason = reason;
    const fields = { target: this.#target, reason };
    if (next === 'failed' || next === 'reconnecting') this.#logger.warn(fields, `destination ${old} -> ${next}`);
    else if (next !== old) this.#logger.info(fields, `destination ${old} -> ${next}`);
    this.#report();
  }

  /** Counters have moved: call each second. */
  report(): void {
    this.#report();
  }

  #report(): void {
    const { status } = this;
    this.#options.metrics.destinationBytes.inc(Math.max(0, status.bytes - this.#reported));
    this.#reported = Math.max(this.#reported, status.bytes);
    this.emit('status', status);
  }
}

function targetOf(url: string): string {
  try {
    return parseDestination(url).target;
  } catch {
    return '(refused)';
  }
}
