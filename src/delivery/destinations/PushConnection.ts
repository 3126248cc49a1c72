/**
 * One connection to a destination, from the first packet to the last: the relay and the ffmpeg child together. In: fragments. Out: `live`,
 * `slow` and `closed`. A new attempt is a new PushConnection, begun after `closed`: then neither process nor socket is left of this one.
 */
import type { Clock } from '../../common/clock.ts';
import { TypedEmitter } from '../../common/TypedEmitter.ts';
import type { AllowedDestination } from '../destinationPolicy.ts';
import { ConnectionRelay } from './ConnectionRelay.ts';
import { withoutSecrets } from './destinationUrl.ts';
import { FfmpegChild } from './FfmpegChild.ts';
import { FragmentQueue } from './FragmentQueue.ts';
import { outputOf } from './ffmpegOutput.ts';
import { Liveness } from './Liveness.ts';
import type { PresetFiles } from './PresetFiles.ts';
import type { FeedFragment } from './ProgramFeed.ts';
import { rtmpRefusal } from './refusals.ts';
import type { Failure, Progress, PushFailure, Relay } from './relay.ts';
import { SrtRelay } from './SrtRelay.ts';

/** From the start of ffmpeg to the first bytes of media at the server, ms. */
const OPEN_LIMIT_MS = 10_000;
/** How often the connection is judged, ms. */
const CHECK_EVERY_MS = 500;
/** More than a header's, bytes. */
const MIN_MEDIA_BYTES = 2048;
/**
 * What is sent before media, at most, bytes: RTMP's handshake is 3 kB, its commands are some hundred bytes each. When ffmpeg has said that the
 * server has accepted the stream, much of a GOP may have been sent already, and a slow server takes a minute for it.
 */
const MAX_OPENING_BYTES = 8 * 1024;
/** An ffmpeg that has lost its connection and does not end by itself, ms. */
const KILL_AFTER_MS = 3000;
/** An ffmpeg that ends after the server has acknowledged nothing for this long has ended because of that, ms. */
const SILENCE_MS = 2000;
/** Unacknowledged at most: half a GOP, but no less than this, bytes; a way of 250 ms at 4 Mbit/s. */
const MIN_IN_FLIGHT_BYTES = 128 * 1024;

interface PushEvents {
  /** The server has accepted the stream and taken media. */
  live: [];
  /** It takes less than the program has, or keeps up again. */
  slow: [slow: boolean];
  /** Exactly once. null when it was told to close. */
  closed: [failure: Failure | null];
}

export interface PushOptions {
  destination: AllowedDestination;
  init: Buffer;
  ffmpegPath: string;
  presets: PresetFiles;
  clock: Clock;
}

export class PushConnection extends TypedEmitter<PushEvents> {
  readonly #options: PushOptions;
  readonly #queue = new FragmentQueue();
  readonly #abort = new AbortController();
  #state: 'connecting' | 'opening' | 'opened' | 'live' | 'closing' | 'closed' = 'connecting';
  #relay: Relay | undefined;
  #child: FfmpegChild | undefined;
  #liveness: Liveness | undefined;
  #blocked = false;
  /** The server is behind: ffmpeg is given no more than a fragment at a time, since only what still waits here can be dropped. */
  #behind = false;
  /** What was told last. */
  #slow = false;
  #openedAtBytes = 0;
  #failure: Failure | undefined;
  #finishing = false;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = 0;

  constructor(options: PushOptions) {
    super();
    this.#options = options;
  }

  get state(): string {
    return this.#state;
  }

  /** Of the ffmpeg child. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Bytes given to the connection. */
  get sentBytes(): number {
    return this.#relay?.sentBytes ?? 0;
  }

  get #inFlightLimit(): number {
    return Math.max(MIN_IN_FLIGHT_BYTES, this.#queue.gopBytes / 2);
  }

  get stderr(): readonly string[] {
    return this.#child?.stderr ?? [];
  }

  /** Does not reject: a failure is the `closed` event. */
  async start(): Promise<void> {
    const { destination } = this.#options;
    let relay: Relay;
    try {
      relay =
        destination.parsed.scheme === 'srt'
          ? await SrtRelay.open(destination)
          : await ConnectionRelay.open(destination, this.#abort.signal);
    } catch (error) {
      await this.#finish({ failure: 'unreachable', reason: (error as Error).message });
      return;
    }
    this.#relay = relay;
    relay.limitInFlight(this.#inFlightLimit);
    if (this.#abort.signal.aborted) return this.#finish(undefined);
    relay.on('full', () => {
      this.#behind = true;
    });
    relay.on('hungry', () => this.#feedOne());
    relay.on('closed', (by, reason, failure) => this.#relayClosed(by === 'server', { failure, reason }));
    try {
      await this.#startChild(relay);
    } catch (error) {
      const { secrets } = destination.parsed;
      const reason = `ffmpeg could not be started: ${withoutSecrets((error as Error).message, secrets)}`;
      await this.#finish({ failure: 'crashed', reason });
    }
  }

  /** The number of whole GOPs that were dropped because the destination is too slow. */
  push(fragment: FeedFragment): number {
    if (this.#state === 'closing' || this.#state === 'closed') return 0;
    const dropped = this.#queue.push(fragment);
    if (fragment.key) this.#relay?.limitInFlight(this.#inFlightLimit);
    this.#pump();
    return dropped;
  }

  /** Ends the stream cleanly, within limits; resolves when process and connection are gone. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    const gone = new Promise<void>((resolve) => this.once('closed', () => resolve()));
    if (this.#state !== 'closing') {
      this.#state = 'closing';
      this.#abort.abort();
      this.#queue.clear();
      if (this.#child) await this.#child.close();
    }
    await gone;
  }

  async #startChild(relay: Relay): Promise<void> {
    const { destination, ffmpegPath, presets, init, clock } = this.#options;
    const output = outputOf(destination.parsed, relay.port);
    const child = await FfmpegChild.start({ ffmpegPath, output, presets, secrets: destination.parsed.secrets });
    this.#child = child;
    this.#startedAt = clock.now();
    child.on('closed', (reason) => this.#childClosed(reason));
    child.on('drain', () => {
      this.#blocked = false;
      this.#pump();
    });
    child.on('opened', () => {
      if (this.#state === 'opening') this.#state = 'opened';
      this.#liveness = new Liveness(clock.now());
      this.#openedAtBytes = Math.min(this.sentBytes, MAX_OPENING_BYTES);
    });
    this.#timer = setInterval(() => void this.#check(relay), CHECK_EVERY_MS);
    if (this.#abort.signal.aborted) {
      await child.close();
      return;
    }
    // The relay's end before this found no child to end.
    if (relay.closed) this.#killLater();
    if (this.#failure) return;
    this.#state = 'opening';
    // What came while the connection was made is old news.
    this.#queue.keepNewestGop();
    this.#blocked = !child.write(init);
    this.#pump();
  }

  #pump(): void {
    const child = this.#child;
    if (!child || this.#state === 'connecting') return;
    while (!this.#blocked && !this.#behind && this.#pumpOne(child));
  }

  /** False: there is none. */
  #pumpOne(child: FfmpegChild): boolean {
    const fragment = this.#queue.shift();
    if (!fragment) return false;
    this.#blocked = !child.write(fragment.bytes);
    return true;
  }

  /** Everything that ffmpeg had has been taken. */
  #feedOne(): void {
    // Else it has something, and this comes again after it.
    if (!this.#child || this.#blocked) return;
    if (this.#queue.length > 1) this.#pumpOne(this.#child);
    else {
      this.#behind = false;
      this.#relay?.relax();
      this.#pump();
    }
  }

  /** Live is when the server has accepted the stream, and taken media. */
  #checkLive({ acknowledged }: Progress): void {
    if (this.#state !== 'opened' || acknowledged < this.#openedAtBytes + MIN_MEDIA_BYTES) return;
    this.#state = 'live';
    this.emit('live');
  }

  async #check(relay: Relay): Promise<void> {
    const progress = await relay.measure();
    const now = this.#options.clock.now();
    this.#checkLive(progress);
    if ((this.#state === 'opening' || this.#state === 'opened') && now - this.#startedAt > OPEN_LIMIT_MS) {
      this.#fail({ failure: 'hung', reason: 'the server did not accept the stream in time' });
      return;
    }
    const liveness = this.#liveness;
    if (!liveness) return;
    const dead = liveness.see({
      now,
      ...progress,
      limit: this.#inFlightLimit,
      waiting: this.#blocked || this.#queue.length > 0,
    });
    if (dead) this.#fail({ failure: 'hung', reason: 'the server stopped taking data' });
    else if (liveness.slow !== this.#slow && this.#state === 'live') {
      this.#slow = liveness.slow;
      this.emit('slow', this.#slow);
    }
  }

  #relayClosed(byServer: boolean, { failure, reason }: { failure: PushFailure | null; reason: string }): void {
    // What ended ffmpeg is told by its own end.
    if (!byServer) this.#killLater();
    else if (failure) this.#fail({ failure, reason });
    else if (this.#state === 'live') this.#fail({ failure: 'closed', reason });
    else this.#fail(this.#refusal());
  }

  /** Ends everything because of a failure; `closed` follows when process and connection are gone. */
  #fail(failure: Failure): void {
    if (this.#state === 'closed' || this.#state === 'closing') return;
    this.#failure ??= failure;
    // One that hangs would hear a goodbye after everything that it has not taken yet.
    if (failure.failure === 'hung') void this.#relay?.abort();
    else void this.#relay?.close();
    // Without its connection ffmpeg ends by itself, with a word on why.
    const child = this.#child;
    if (!child || child.closed) return;
    if (failure.failure === 'hung') child.kill();
    else this.#killLater();
  }

  #killLater(): void {
    setTimeout(() => this.#child?.kill(), KILL_AFTER_MS).unref();
  }

  #childClosed(reason: string): void {
    // The server's own words may stand in ffmpeg's last lines only.
    const refused = this.#failure?.failure === 'refused' ? this.#refusal() : undefined;
    void this.#finish(refused ?? this.#failure ?? this.#childFailure(reason));
  }

  /** The server has ended the opening. */
  #refusal(): Failure {
    const { scheme } = this.#options.destination.parsed;
    const refused = 'the server closed the connection instead of taking the stream';
    if (scheme === 'srt') return this.#failure ?? { failure: 'refused', reason: refused };
    return rtmpRefusal({ receivedBytes: this.#relay?.receivedBytes ?? 0, stderr: this.stderr });
  }

  /** What ffmpeg's end tells when nothing else has. */
  #childFailure(reason: string): Failure {
    const complaint = this.#child?.complaint ?? '';
    const silenceMs = this.#liveness?.silenceMs(this.#options.clock.now()) ?? 0;
    // libsrt ends a connection on which nothing comes back, and ffmpeg with it, a little before we would.
    if (this.#state === 'live' && silenceMs > SILENCE_MS)
      return { failure: 'hung', reason: 'the server stopped answering' };
    const crashed: Failure = { failure: 'crashed', reason: complaint || reason };
    if (this.#state === 'live' || this.stderr.length === 0) return crashed;
    if (this.#options.destination.parsed.scheme === 'srt')
      return { failure: 'unreachable', reason: 'the server did not answer' };
    const refusal = this.#refusal();
    return refusal.failure === 'refused' ? refusal : crashed;
  }

  async #finish(failure: Failure | undefined): Promise<void> {
    if (this.#finishing) return;
    this.#finishing = true;
    clearInterval(this.#timer);
    this.#queue.clear();
    await this.#relay?.close();
    const told = this.#state === 'closing';
    this.#state = 'closed';
    this.emit('closed', told || !failure ? null : failure);
  }
}
