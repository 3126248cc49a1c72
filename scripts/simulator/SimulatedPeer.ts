/**
 * One WebRTC peer without a browser: signalling by socket.io, media by werift, its clip instead of camera and microphone.
 * It sends three simulcast layers (one of VP9 or AV1) and Opus, answers NACK, PLI and FIR, and receives nothing unless it is told to.
 *
 * It comes back by itself: after a dropped socket (it joins again) and after `media:reset` (new transports and producers).
 */
import { TypedEmitter } from '../../src/common/TypedEmitter.ts';
import type { JoinAnswer, LeaveReason, NewConsumer } from '../../src/contracts/signaling.ts';
import { CaptureClock } from './CaptureClock.ts';
import type { ClipStore } from './clip/ClipStore.ts';
import type { VideoCodec } from './clip/makeClip.ts';
import { codecsOf, receiveCapabilities } from './codecs.ts';
import { MediaTransport } from './MediaTransport.ts';
import { type Pacer, processPacer } from './Pacer.ts';
import { Publisher } from './Publisher.ts';
import { type ReceivedStream, Receiver } from './Receiver.ts';
import { SentFrames } from './SentFrames.ts';
import { SignalingClient } from './SignalingClient.ts';

export interface SimulatedPeerOptions {
  /** The server's public URL. */
  url: string;
  /** A `join` token: says room, identity and role. */
  token: string;
  /** Which clip it plays (modulo 16): colour, code, beep. */
  number: number;
  clips: ClipStore;
  name?: string;
  codec?: VideoCodec;
  /** Receives and counts what the others send. */
  consume?: boolean;
  /** Publishes nothing: for audience. */
  silent?: boolean;
  /** Share of its packets that get lost on their way to the server, 0 to 1. */
  loss?: number;
  clock?: CaptureClock;
  pacer?: Pacer;
}

export interface PeerCounters {
  packets: number;
  bytes: number;
  /** Packets sent again because a NACK asked for them. */
  resent: number;
  keyFrameRequests: number;
  keyFrames: number;
  /** Frames and audio packets that came too late to be sent. */
  skipped: number;
  sendErrors: number;
  /** Times that it published: 1, and one more for each reset or reconnect. */
  published: number;
  received: ReceivedStream[];
}

export interface SimulatedPeerEvents {
  /** Its producers stand and packets flow; again after each reset. */
  published: [peer: SimulatedPeer];
  /** Its first RTP packet leaves, wall clock in ms; again after each reset. */
  sending: [sentMs: number];
  /** Its connection is gone; it comes back by itself, and publishes again. */
  disconnected: [];
  /** The server sent it away. */
  left: [reason: LeaveReason];
  /** Joining or publishing failed; it tries again when the server calls or the socket comes back. */
  failed: [error: Error];
  closed: [];
}

/** How large a consuming peer says it shows the others, device pixels. */
const SHOWN = { width: 320, height: 180 };

export class SimulatedPeer extends TypedEmitter<SimulatedPeerEvents> {
  readonly number: number;
  readonly sentFrames = new SentFrames();
  readonly #options: SimulatedPeerOptions;
  readonly #codec: VideoCodec;
  readonly #clock: CaptureClock;
  readonly #signaling: SignalingClient;
  readonly #past = { packets: 0, bytes: 0, resent: 0, keyFrameRequests: 0, keyFrames: 0, skipped: 0, sendErrors: 0 };
  #state: 'new' | 'running' | 'closed' = 'new';
  #joined: JoinAnswer | null = null;
  #publisher: Publisher | null = null;
  #receiver: Receiver | null = null;
  #producers: { camera: string; microphone: string } | null = null;
  #published = 0;
  #muted = false;
  #speaking = false;
  #cameraOff = false;
  /** Serialises joining and publishing: a `media:reset` may come while the last publishing is under way. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: SimulatedPeerOptions) {
    super();
    this.#options = options;
    this.number = options.number;
    this.#codec = options.codec ?? 'vp8';
    this.#clock = options.clock ?? new CaptureClock();
    this.#signaling = new SignalingClient(options.url, options.token);
  }

  /** The peer id that the server gave it; null before it joined. */
  get id(): string | null {
    return this.#joined?.self.id ?? null;
  }

  get closed(): boolean {
    return this.#state === 'closed';
  }

  /** Where its frames stand within the frame period, ms. */
  get phaseMs(): number {
    return this.#clock.phaseMs(this.number);
  }

  /** Resolves when it has joined and published for the first time; rejects when that fails, and the peer is closed then. */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new Error(`the peer is ${this.#state}`);
    this.#state = 'running';
    const first = new Promise<void>((resolve, reject) => {
      this.once('published', () => resolve());
      this.once('failed', reject);
      this.once('closed', () => reject(new Error('the peer was closed')));
      this.once('left', (reason) => reject(new Error(`the server sent the peer away: ${reason}`)));
    });
    this.#listen();
    this.#signaling.open();
    try {
      await first;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  #listen(): void {
    const signaling = this.#signaling;
    signaling.onConnect(() => this.#queue(() => this.#join()));
    signaling.onDisconnect(() => this.emit('disconnected'));
    signaling.onRefused((error, final) => {
      // At the start any refusal counts; later a server that is being restarted is waited for.
      if (final || this.#published === 0) this.emit('failed', error);
    });
    signaling.on('media:reset', ({ routerRtpCapabilities }) => {
      this.#queue(async () => {
        if (this.#joined) await this.#publish({ ...this.#joined, routerRtpCapabilities });
      });
    });
    signaling.on('consumer:new', (consumer, ack) => {
      this.#receiver?.expect(consumer);
      ack(this.#receiver !== null);
      if (this.#receiver) this.#queue(() => this.#take(consumer));
    });
    signaling.on('consumer:closed', ({ consumerId }) => this.#receiver?.drop(consumerId));
    signaling.on('left', ({ reason }) => {
      this.emit('left', reason);
      void this.close();
    });
  }

  #queue(task: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.closed) return;
      await task().catch((error: unknown) => {
        if (!this.closed) this.emit('failed', error instanceof Error ? error : new Error(String(error)));
      });
    });
  }

  async #join(): Promise<void> {
    const { name } = this.#options;
    await this.#publish(await this.#signaling.request('join', name === undefined ? {} : { name }));
  }

  async #publish(joined: JoinAnswer): Promise<void> {
    await this.#closeMedia();
    this.#joined = joined;
    const { silent = false, consume = false } = this.#options;
    if (consume) await this.#receive(joined);
    if (!silent) await this.#send(joined);
    // Closed while publishing: whoever closed did not see these transports.
    if (this.closed) return this.#closeMedia();
    this.#published++;
    this.emit('published', this);
  }

  async #createTransport(direction: 'send' | 'recv'): Promise<MediaTransport> {
    const options = await this.#signaling.request('transport:create', { direction });
    return MediaTransport.create(options, (dtlsParameters) =>
      this.#signaling.request('transport:connect', { transportId: options.id, dtlsParameters }),
    );
  }

  async #send(joined: JoinAnswer): Promise<void> {
    const { clips, number, pacer = processPacer, loss = 0 } = this.#options;
    const codec = this.#codec;
    const clip = await clips.get(number, codec);
    const codecs = codecsOf(joined.routerRtpCapabilities, codec);
    const transport = await this.#createTransport('send');
    const publisher = new Publisher({
      ...{ transport, clip, codec, number, pacer, loss },
      clock: this.#clock,
      sentFrames: this.sentFrames,
      onFirstPacket: (sentMs) => this.emit('sending', sentMs),
      payloadTypes: { video: codecs.video.payloadType, audio: codecs.audio.payloadType },
    });
    this.#publisher = publisher;
    const rtp = publisher.rtpParameters(codec, codecs.video.fmtp, `simulated-${number}`);
    const transportId = transport.id;
    const [muted, cameraOff] = [this.#muted, this.#cameraOff];
    const microphone = await this.#signaling.request('producer:create', {
      ...{ transportId, source: 'microphone', rtpParameters: rtp.microphone, paused: muted },
    });
    const camera = await this.#signaling.request('producer:create', {
      ...{ transportId, source: 'camera', rtpParameters: rtp.camera, paused: cameraOff },
    });
    this.#producers = { camera: camera.producerId, microphone: microphone.producerId };
    publisher.setSpeaking(this.#speaking);
    publisher.start({ audio: !muted, video: !cameraOff });
  }

  async #receive(joined: JoinAnswer): Promise<void> {
    this.#receiver = new Receiver(await this.#createTransport('recv'));
    await this.#signaling.request('consumer:start', {
      transportId: this.#receiver.transport.id,
      rtpCapabilities: receiveCapabilities(joined.routerRtpCapabilities),
    });
  }

  async #take(consumer: NewConsumer): Promise<void> {
    const consumerId = consumer.id;
    if (consumer.kind === 'video') await this.#signaling.request('consumer:size', { consumerId, ...SHOWN });
    await this.#signaling.request('consumer:resume', { consumerId });
  }

  /** The microphone is muted: its producer paused, no packets. */
  async setMuted(muted: boolean): Promise<void> {
    this.#muted = muted;
    await this.#setPaused(this.#producers?.microphone, muted, (on) => this.#publisher?.setAudio(on));
  }

  /** What its packets say of its level, by which the server knows who speaks. */
  setSpeaking(speaking: boolean): void {
    this.#speaking = speaking;
    this.#publisher?.setSpeaking(speaking);
  }

  /** The camera is off: its producer paused, no packets. It goes on with a key frame. */
  async setCameraOff(off: boolean): Promise<void> {
    this.#cameraOff = off;
    await this.#setPaused(this.#producers?.camera, off, (on) => this.#publisher?.setVideo(on));
  }

  async #setPaused(producerId: string | undefined, paused: boolean, turn: (on: boolean) => void): Promise<void> {
    if (this.closed) throw new Error('the peer is closed');
    if (producerId === undefined) return;
    await this.#signaling.request(paused ? 'producer:pause' : 'producer:resume', { producerId });
    turn(!paused);
  }

  counters(): PeerCounters {
    const sum = { ...this.#past };
    const now = this.#mediaCounters();
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += now[key];
    return { ...sum, published: this.#published, received: this.#receiver?.streams() ?? [] };
  }

  #mediaCounters() {
    const layers = this.#publisher?.layers ?? [];
    const streams = this.#publisher?.streams ?? [];
    const total = <T>(items: readonly T[], of: (item: T) => number) => items.reduce((sum, item) => sum + of(item), 0);
    return {
      packets: total(streams, (s) => s.packets),
      bytes: total(streams, (s) => s.octets),
      resent: total(streams, (s) => s.resent),
      keyFrameRequests: total(layers, (l) => l.keyFrameRequests),
      keyFrames: total(layers, (l) => l.keyFrames),
      skipped: this.#publisher?.skipped ?? 0,
      sendErrors: this.#publisher?.sendErrors ?? 0,
    };
  }

  async #closeMedia(): Promise<void> {
    const now = this.#mediaCounters();
    for (const key of Object.keys(now) as (keyof typeof now)[]) this.#past[key] += now[key];
    const [publisher, receiver] = [this.#publisher, this.#receiver];
    this.#publisher = null;
    this.#receiver = null;
    this.#producers = null;
    await Promise.all([publisher?.close(), receiver?.close()]);
  }

  /** Says goodbye and closes. */
  async leave(): Promise<void> {
    if (this.#state === 'running' && this.#joined && this.#signaling.connected)
      await this.#signaling.request('leave', {}).catch(() => {});
    await this.close();
  }

  /** Without a goodbye, as when the network goes: the server keeps its seat for a while. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#signaling.close();
    await this.#closeMedia();
    this.emit('closed');
  }
}
