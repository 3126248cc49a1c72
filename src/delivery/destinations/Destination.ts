/**
 * One RTMP or SRT destination, for as long as its broadcast lives: connects, feeds, and reconnects. In: the program's feed. Out: its
 * status. What happens to it touches nothing else.
 */
import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import { Secret } from '../../common/Secret.ts';
import { TypedEmitter } from '../../common/TypedEmitter.ts';
import type {
  DestinationCause,
  DestinationOrder,
  DestinationState,
  DestinationStatus,
} from '../../contracts/deliveryControl.ts';
import { AppError } from '../../contracts/errors.ts';
import { type AllowedDestination, type DestinationPolicy, isUnresolved } from '../destinationPolicy.ts';
import type { DeliveryMetrics } from '../metrics.ts';
import { Backoff, type BackoffOptions } from './Backoff.ts';
import { parseDestination } from './destinationUrl.ts';
import type { PresetFiles } from './PresetFiles.ts';
import type { FeedFragment, ProgramFeed } from './ProgramFeed.ts';
import { PushConnection } from './PushConnection.ts';
import type { Failure } from './relay.ts';
import type { StreamKey, StreamKeys } from './StreamKeys.ts';
import { streamIdentity } from './streamIdentity.ts';

/** A connection that was live for this long begins the waits anew, ms. */
const STABLE_MS = 10_000;
const IN_USE = 'another destination of this server has the stream key: a key has one connection';
const SLOW = 'the server takes less than the program has: whole GOPs are left out';

export interface DestinationOptions {
  order: DestinationOrder;
  feed: ProgramFeed;
  policy: DestinationPolicy;
  ffmpegPath: string;
  presets: PresetFiles;
  /** Of the whole node. */
  keys: StreamKeys;
  /** When to try again. */
  reconnect: BackoffOptions;
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
  readonly #backoff: Backoff;
  #state: DestinationState = 'connecting';
  #since = Date.now();
  #cause: DestinationCause | null = null;
  #reason = '';
  #retryAt: number | null = null;
  #connects = 0;
  #finishedBytes = 0;
  #droppedGops = 0;
  /** Monotonic: when it was live last, or began. */
  #lostAt: number;
  #liveAt = 0;
  #key: StreamKey | undefined;
  #push: PushConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #giveUp: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #reported = 0;
  readonly #onFragment = (fragment: FeedFragment): void => this.#feed(fragment);

  constructor(options: DestinationOptions) {
    super();
    this.#options = options;
    this.#url = new Secret(options.order.url);
    this.#logger = options.logger.child({ destination: options.order.id });
    this.#target = targetOf(options.order.url);
    this.#backoff = new Backoff(options.reconnect);
    this.#lostAt = options.clock.now();
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
      since: this.#since,
      cause: this.#cause,
      retryAt: this.#retryAt,
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
    this.#stopTimers();
    this.#key?.leave();
    this.#options.feed.off('fragment', this.#onFragment);
    await this.#push?.close();
    this.#key?.release();
    this.#advance('stopped', { cause: this.#cause, reason: this.#reason });
    this.emit('closed');
  }

  #later(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#retryAt = null;
      this.#connect().catch((error: unknown) => this.#failed({ failure: 'crashed', reason: (error as Error).message }));
    }, delayMs);
  }

  async #connect(): Promise<void> {
    const { feed, policy, ffmpegPath, presets, clock, keys } = this.#options;
    const { init } = feed;
    // The next fragment comes back to this.
    if (!init || feed.lastGop.length === 0 || this.#closing || this.#push) return;
    if (this.#state === 'connecting') this.#lostAt = clock.now();
    let destination: AllowedDestination;
    try {
      destination = await policy(this.#url.reveal());
      const key = this.#key ?? (await keys.acquire(streamIdentity(destination.parsed)));
      // It may have been ended meanwhile.
      if (this.#closing || this.#state === 'failed') return key?.release();
      this.#key = key;
    } catch (error) {
      const reason = (error as Error).message;
      if (error instanceof AppError && !isUnresolved(error)) this.#fail({ cause: 'policy', reason });
      else this.#failed({ failure: 'unreachable', reason });
      return;
    }
    if (!this.#key) return this.#fail({ cause: 'in-use', reason: IN_USE });
    const push = new PushConnection({ destination, init, ffmpegPath, presets, clock });
    this.#push = push;
    push.on('live', () => this.#live());
    push.on('slow', (slow) => this.#slow(slow));
    push.on('closed', (failure) => this.#closed(push, failure));
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
    const { clock, metrics } = this.#options;
    clearTimeout(this.#giveUp);
    this.#giveUp = undefined;
    this.#connects += 1;
    this.#liveAt = clock.now();
    metrics.destinationConnects.inc();
    if (this.#connects > 1) metrics.destinationOutageSeconds.observe((this.#liveAt - this.#lostAt) / 1000);
    // What it was before stays to be read.
    this.#advance('live', { cause: this.#cause, reason: this.#reason });
  }

  #slow(slow: boolean): void {
    if (this.#state !== 'live') return;
    if (slow) this.#logger.warn({ target: this.#target }, 'destination is too slow');
    else this.#logger.info({ target: this.#target }, 'destination keeps up again');
    this.#cause = slow ? 'slow' : null;
    this.#reason = slow ? SLOW : '';
    this.#report();
  }

  #closed(push: PushConnection, failure: Failure | null): void {
    this.#finishedBytes += push.sentBytes;
    if (failure !== null) this.#logger.debug({ stderr: push.stderr }, 'ffmpeg ended');
    this.#push = undefined;
    if (failure === null || this.#closing) return;
    this.#failed(failure);
  }

  /** A connection has failed: another is made, unless it has been tried for too long. */
  #failed({ failure, reason }: Failure): void {
    if (this.#closing || this.#state === 'failed') return;
    const { clock, metrics, order } = this.#options;
    metrics.destinationFailures.inc({ reason: failure });
    if (this.#state === 'live') {
      this.#lostAt = clock.now();
      if (this.#lostAt - this.#liveAt >= STABLE_MS) this.#backoff.reset();
    }
    const tell = { cause: failure, reason };
    const leftMs = order.reconnectSeconds === null ? null : this.#lostAt + order.reconnectSeconds * 1000 - clock.now();
    if (leftMs !== null && leftMs <= 0) {
      this.#fail(tell);
      return;
    }
    const waitMs = this.#backoff.next();
    this.#retryAt = Date.now() + waitMs;
    this.#advance('reconnecting', tell);
    this.#later(waitMs);
    if (leftMs !== null) this.#giveUp ??= setTimeout(() => this.#fail(this.status), leftMs);
  }

  /** For good. */
  #fail({ cause, reason }: Pick<DestinationStatus, 'cause' | 'reason'>): void {
    if (this.#closing || this.#state === 'failed') return;
    this.#stopTimers();
    this.#retryAt = null;
    this.#advance('failed', { cause, reason });
    this.#options.feed.off('fragment', this.#onFragment);
    // An attempt may just be under way; the key is free when nothing of it is left.
    const key = this.#key;
    this.#key = undefined;
    key?.leave();
    const gone = this.#push?.close() ?? Promise.resolve();
    void gone.then(() => key?.release());
  }

  #stopTimers(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#giveUp);
  }

  /** `stopped` is for good, `failed` but for `stopped`. */
  #advance(next: DestinationState, { cause, reason }: Pick<DestinationStatus, 'cause' | 'reason'>): void {
    const old = this.#state;
    if (old === 'stopped' || (old === 'failed' && next !== 'stopped')) return;
    this.#options.metrics.destinations.dec({ state: old });
    if (next !== 'stopped') this.#options.metrics.destinations.inc({ state: next });
    this.#state = next;
    if (next !== old) this.#since = Date.now();
    this.#cause = cause;
    this.#reason = reason;
    const fields = { target: this.#target, cause, reason };
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
