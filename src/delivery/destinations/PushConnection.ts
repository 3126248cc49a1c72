/**
 * One connection to a destination, from the first packet to the last: the relay (RTMP) and the ffmpeg child together. In: fragments.
 * Out: `live` and `closed`. A new attempt is a new PushConnection.
 */
import type { Clock } from '../../common/clock.ts';
import { TypedEmitter } from '../../common/TypedEmitter.ts';
import type { AllowedDestination } from '../destinationPolicy.ts';
import { ConnectionRelay } from './ConnectionRelay.ts';
import { withoutSecrets } from './destinationUrl.ts';
import { FfmpegChild, type FfmpegOutput } from './FfmpegChild.ts';
import { FragmentQueue } from './FragmentQueue.ts';
import type { PresetFiles } from './PresetFiles.ts';
import type { FeedFragment } from './ProgramFeed.ts';

/** From the start of ffmpeg to the first bytes of media at the server, ms. */
const OPEN_LIMIT_MS = 10_000;
/** A connection on which nothing moves for this long although something waits is dead, ms. */
const STALL_LIMIT_MS = 5000;
/** How often the two limits are looked at, ms. */
const CHECK_EVERY_MS = 1000;
/** An ffmpeg that has lost its connection and does not end by itself, ms. */
const KILL_AFTER_MS = 3000;
/** Less than this on its way to the server is not a sign of waiting. */
const IDLE_BYTES = 16 * 1024;

export type PushFailure = 'unreachable' | 'refused' | 'hung' | 'closed' | 'crashed';

interface PushEvents {
  /** The server has accepted the stream and taken media. */
  live: [];
  /** Exactly once. `failure` is null when it was told to close. */
  closed: [failure: PushFailure | null, reason: string];
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
  #relay: ConnectionRelay | undefined;
  #child: FfmpegChild | undefined;
  #blocked = false;
  #writtenBytes = 0;
  #outputBytes = 0;
  #openedAtBytes = 0;
  /** The measure of movement at the last check, and when it last grew. */
  #moved = { bytes: 0, at: 0 };
  #failure: { failure: PushFailure; reason: string } | undefined;
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
    return this.#relay ? this.#relay.sentBytes : this.#outputBytes;
  }

  get stderr(): readonly string[] {
    return this.#child?.stderr ?? [];
  }

  /** Does not reject: a failure is the `closed` event. */
  async start(): Promise<void> {
    const { destination } = this.#options;
    try {
      if (destination.parsed.scheme !== 'srt')
        this.#relay = await ConnectionRelay.open(destination, this.#abort.signal);
    } catch (error) {
      this.#finish({ failure: 'unreachable', reason: (error as Error).message });
      return;
    }
    if (this.#abort.signal.aborted) return this.#finish(undefined);
    this.#relay?.on('closed', (by, reason) => {
      if (by === 'server') this.#fail(this.#state === 'live' ? 'closed' : 'refused', reason);
      // What ended ffmpeg is told by its own end.
      else this.#killLater();
    });
    try {
      await this.#startChild();
    } catch (error) {
      this.#finish({ failure: 'crashed', reason: `ffmpeg could not be started: ${(error as Error).message}` });
    }
  }

  /** The number of whole GOPs that were dropped because the destination is too slow. */
  push(fragment: FeedFragment): number {
    if (this.#state === 'closing' || this.#state === 'closed') return 0;
    const dropped = this.#queue.push(fragment);
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

  async #startChild(): Promise<void> {
    const { destination, ffmpegPath, presets, init, clock } = this.#options;
    const output = outputOf(destination, this.#relay?.port ?? 0);
    const child = await FfmpegChild.start({ ffmpegPath, output, presets, secrets: destination.parsed.secrets });
    this.#child = child;
    this.#moved = { bytes: 0, at: clock.now() };
    child.on('closed', (reason) => this.#childClosed(reason));
    child.on('drain', () => {
      this.#blocked = false;
      this.#pump();
    });
    child.on('opened', () => {
      if (this.#state === 'opening') this.#state = 'opened';
      this.#openedAtBytes = this.sentBytes;
    });
    child.on('progress', (bytes) => {
      this.#outputBytes = bytes;
      this.#checkLive();
    });
    this.#startedAt = clock.now();
    this.#timer = setInterval(() => void this.#check(), CHECK_EVERY_MS);
    if (this.#abort.signal.aborted) {
      await child.close();
      return;
    }
    if (this.#relay?.closed) {
      this.#fail('refused', 'the server closed the connection');
      return;
    }
    this.#state = 'opening';
    this.#blocked = !child.write(init);
    this.#pump();
  }

  #pump(): void {
    const child = this.#child;
    if (!child || this.#state === 'connecting') return;
    while (!this.#blocked) {
      const fragment = this.#queue.shift();
      if (!fragment) return;
      this.#writtenBytes += fragment.bytes.length;
      this.#blocked = !child.write(fragment.bytes);
    }
  }

  /** Live is when the output is open, and media has gone out on it: the header alone is a few hundred bytes. */
  #checkLive(): void {
    if (this.#state !== 'opened' || this.#outputBytes < 2048) return;
    if (this.#relay && this.#relay.sentBytes <= this.#openedAtBytes) return;
    this.#state = 'live';
    this.emit('live');
  }

  async #check(): Promise<void> {
    const unacknowledged = (await this.#relay?.unacknowledgedBytes()) ?? this.#relay?.pendingBytes ?? 0;
    const now = this.#options.clock.now();
    this.#checkLive();
    if ((this.#state === 'opening' || this.#state === 'opened') && now - this.#startedAt > OPEN_LIMIT_MS) {
      this.#fail('hung', 'the server did not accept the stream in time');
      return;
    }
    const waiting = this.#blocked || unacknowledged > IDLE_BYTES;
    // What the kernel holds for the server counts as not sent: a server that hangs takes nothing more of it.
    const moved = this.sentBytes + (this.#relay?.pendingBytes ?? 0) - unacknowledged;
    if (moved > this.#moved.bytes || !waiting) this.#moved = { bytes: Math.max(moved, this.#moved.bytes), at: now };
    else if (now - this.#moved.at > STALL_LIMIT_MS) this.#fail('hung', 'the server stopped taking data');
  }

  /** Ends everything because of a failure; `closed` follows when the process is gone. */
  #fail(failure: PushFailure, reason: string): void {
    if (this.#state === 'closed' || this.#state === 'closing') return;
    this.#failure ??= { failure, reason };
    this.#relay?.close();
    // Without its connection ffmpeg ends by itself, with a word on why.
    const child = this.#child;
    if (!child || child.closed) return;
    if (failure === 'hung') child.kill();
    else this.#killLater();
  }

  #killLater(): void {
    setTimeout(() => this.#child?.kill(), KILL_AFTER_MS).unref();
  }

  #childClosed(reason: string): void {
    const complaint = this.#child?.complaint ?? '';
    if (this.#failure) {
      const detail = this.#failure.failure === 'refused' && complaint ? `${this.#failure.reason}: ${complaint}` : '';
      this.#finish({ failure: this.#failure.failure, reason: detail || this.#failure.reason });
    } else this.#finish({ failure: this.#state === 'live' ? 'crashed' : 'refused', reason: complaint || reason });
  }

  #finish(failure: { failure: PushFailure; reason: string } | undefined): void {
    if (this.#state === 'closed') return;
    const told = this.#state === 'closing';
    this.#state = 'closed';
    clearInterval(this.#timer);
    this.#queue.clear();
    this.#relay?.close();
    const { secrets } = this.#options.destination.parsed;
    if (told || !failure) this.emit('closed', null, 'stopped');
    else this.emit('closed', failure.failure, withoutSecrets(failure.reason, secrets));
  }
}

/** The secrets go into the preset file; the URL in the argument list has none. */
function outputOf({ parsed, addresses }: AllowedDestination, relayPort: number): FfmpegOutput {
  const host = parsed.host.includes(':') ? `[${parsed.host}]` : parsed.host;
  if (parsed.scheme !== 'srt') {
    return {
      format: 'flv',
      url: `rtmp://127.0.0.1:${relayPort}/`,
      protocols: 'rtmp,tcp',
      secretOptions: {
        rtmp_app: parsed.app,
        rtmp_playpath: parsed.key,
        rtmp_tcurl: `${parsed.scheme}://${host}:${parsed.port}/${parsed.app}`,
      },
    };
  }
  const { streamid, passphrase, latencyMs, pbkeylen } = parsed.srt;
  const [first] = addresses;
  const address = first?.family === 6 ? `[${first.address}]` : (first?.address ?? '');
  // ffmpeg's latency option is in microseconds.
  const query = new URLSearchParams({ mode: 'caller', transtype: 'live' });
  if (latencyMs !== undefined) query.set('latency', String(latencyMs * 1000));
  if (pbkeylen !== undefined) query.set('pbkeylen', String(pbkeylen));
  return {
    format: 'mpegts',
    url: `srt://${address}:${parsed.port}?${query}`,
    protocols: 'srt,udp',
    secretOptions: {
      ...(streamid === undefined ? {} : { srt_streamid: streamid }),
      ...(passphrase === undefined ? {} : { passphrase }),
    },
  };
}
