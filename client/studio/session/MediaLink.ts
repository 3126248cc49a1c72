/**
 * One media connection to the SFU: a mediasoup-client device, a transport to send and one to receive, and what runs on them.
 * It lives until the connection has to be built anew (StudioSession decides) and is then replaced as a whole.
 */
import { Device, type types } from 'mediasoup-client';
import type { SourceKind } from '../../../src/contracts/ids.ts';
import type { ProgramSource } from '../../../src/contracts/programReturn.ts';
import type { IceServer, NewConsumer, TransportOptions } from '../../../src/contracts/signaling.ts';
import { ProblemError } from '../../shared/problems.ts';
import { cameraLayers, screenLayers } from '../media/encodings.ts';
import type { SignalingClient } from './SignalingClient.ts';
import { TransportWatch } from './TransportWatch.ts';

interface Size {
  width: number;
  height: number;
}

/** What should be sent of one source. */
export interface Wanted {
  track: MediaStreamTrack | null;
  /** Keeps the producer but sends nothing. */
  paused: boolean;
  /** Without a track: pause the producer (a camera that is off), or close it (a screen that is not shared any more). */
  keep: boolean;
  /** A microphone in stereo, without gaps in silence, and with the bits that music wants. */
  music?: boolean;
}

export interface RemoteTrack {
  consumerId: string;
  peerId: string;
  source: SourceKind | ProgramSource;
  track: MediaStreamTrack;
  paused: boolean;
}

export interface MediaLinkOptions {
  signaling: SignalingClient;
  routerRtpCapabilities: Record<string, unknown>;
  iceServers: IceServer[];
  /** The remote tracks changed. */
  onRemote: (tracks: readonly RemoteTrack[]) => void;
  /** Nothing gets through any more, also after an ICE restart. */
  onFailed: () => void;
}

/** Where the bandwidth estimate begins, kbit/s: libwebrtc's own 300 would make the first ten seconds a blur. */
const START_BITRATE_KBIT = 1000;
/** Transparent for stereo music by Opus (RFC 7587, section 3.1.1), bits a second. */
const MUSIC_BITRATE = 128_000;

const sizeOf = (track: MediaStreamTrack): Size | undefined => {
  const { width, height } = track.getSettings();
  return width && height ? { width, height } : undefined;
};

/** What a producer is negotiated with; a track that wants something else needs another producer. */
function shapeOf(source: SourceKind, track: MediaStreamTrack, music: boolean): string {
  if (source === 'microphone') return music ? 'music' : 'speech';
  const size = source === 'camera' ? sizeOf(track) : undefined;
  return size ? JSON.stringify(cameraLayers(size.width, size.height)) : '';
}

/** Lip-sync is between the tracks of one stream: one for camera and microphone, one for screen and its sound, one for the program. */
const streamOf = (source: RemoteTrack['source']): string =>
  source.startsWith('program') ? 'program' : source.startsWith('screen') ? 'screen' : 'person';

export class MediaLink {
  readonly #signaling: SignalingClient;
  readonly #options: MediaLinkOptions;
  readonly #device: Device;
  readonly #producers = new Map<SourceKind, types.Producer>();
  /** Of each producer (`shapeOf`). */
  readonly #shapes = new Map<SourceKind, string>();
  readonly #consumers = new Map<string, { consumer: types.Consumer; remote: RemoteTrack }>();
  /** What the server told of consumers while they were being built. */
  readonly #told = new Map<string, 'closed' | 'paused' | 'resumed'>();
  readonly #sizes = new Map<string, string>();
  readonly #watches: TransportWatch[] = [];
  /** Serialises changes of producers: a mute that is clicked while `produce` is under way comes after it. */
  #queue: Promise<void> = Promise.resolve();
  #send: types.Transport | undefined;
  #receive: types.Transport | undefined;
  #closed = false;

  /** Throws ProblemError `no-webrtc` in a browser that mediasoup-client does not know. */
  static async create(options: MediaLinkOptions): Promise<MediaLink> {
    let device: Device;
    try {
      device = await Device.factory();
    } catch (cause) {
      throw new ProblemError('no-webrtc', '', { cause });
    }
    const link = new MediaLink(options, device);
    try {
      await link.#connect();
      return link;
    } catch (error) {
      link.close();
      throw error;
    }
  }

  private constructor(options: MediaLinkOptions, device: Device) {
    this.#options = options;
    this.#signaling = options.signaling;
    this.#device = device;
  }

  /** Tells the server to announce consumers. Called when the owner listens for them. */
  async startReceiving(): Promise<void> {
    if (!this.#receive) return;
    await this.#signaling.request('consumer:start', {
      transportId: this.#receive.id,
      rtpCapabilities: this.#device.recvRtpCapabilities as never,
    });
  }

  /** Makes what is sent of `source` what is wanted. Calls are carried out in order. */
  set(source: SourceKind, wanted: Wanted): Promise<void> {
    const run = async () => {
      if (this.#closed || !this.#send) return;
      const producer = this.#producers.get(source);
      const { track } = wanted;
      const fits = !track || shapeOf(source, track, wanted.music === true) === this.#shapes.get(source);
      if (producer && fits && (track || wanted.keep)) return this.#adjust(producer, wanted);
      if (producer) await this.#closeProducer(source, producer);
      if (track?.readyState === 'live') await this.#produce(this.#send, source, track, wanted);
    };
    const done = this.#queue.then(run);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  /** Builds what the server announced, answers `ack`, and lets it flow. */
  async consume(announced: NewConsumer, ack: (built: boolean) => void): Promise<void> {
    const consumer = await this.#buildConsumer(announced).catch((error: unknown) => {
      ack(false);
      throw error;
    });
    const told = this.#told.get(announced.id);
    this.#told.delete(announced.id);
    if (!consumer || this.#closed || told === 'closed') {
      consumer?.close();
      return ack(false);
    }
    ack(true);
    const remote: RemoteTrack = {
      consumerId: announced.id,
      peerId: announced.peerId,
      source: announced.source,
      track: consumer.track,
      paused: told ? told === 'paused' : announced.producerPaused,
    };
    this.#consumers.set(announced.id, { consumer, remote });
    this.#tell();
    await this.#signaling.request('consumer:resume', { consumerId: announced.id });
  }

  async #buildConsumer(announced: NewConsumer): Promise<types.Consumer | undefined> {
    return this.#receive?.consume({
      id: announced.id,
      producerId: announced.producerId,
      kind: announced.kind,
      rtpParameters: announced.rtpParameters as types.RtpParameters,
      streamId: `${announced.peerId}-${streamOf(announced.source)}`,
    });
  }

  consumerClosed(consumerId: string): void {
    const entry = this.#consumers.get(consumerId);
    if (!entry) {
      this.#told.set(consumerId, 'closed');
      return;
    }
    this.#consumers.delete(consumerId);
    this.#sizes.delete(consumerId);
    // Told before the track ends: who wants to keep its last picture has to take it while there is one.
    this.#tell();
    entry.consumer.close();
  }

  consumerPaused(consumerId: string, paused: boolean): void {
    const entry = this.#consumers.get(consumerId);
    if (!entry) this.#told.set(consumerId, paused ? 'paused' : 'resumed');
    if (!entry || entry.remote.paused === paused) return;
    entry.remote = { ...entry.remote, paused };
    this.#tell();
  }

  /** The size at which a video is seen, device pixels; the server sends the layer that fits. */
  setSize(consumerId: string, width: number, height: number): void {
    const size = `${width}x${height}`;
    if (this.#closed || !this.#consumers.has(consumerId) || this.#sizes.get(consumerId) === size) return;
    this.#sizes.set(consumerId, size);
    // A size that is lost with the connection is told again in the next one.
    this.#signaling.request('consumer:size', { consumerId, width, height }).catch(() => this.#sizes.delete(consumerId));
  }

  /** Statistics of what is sent. */
  uploadStats(): Promise<RTCStatsReport> | undefined {
    return this.#closed ? undefined : this.#send?.getStats();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const watch of this.#watches) watch.close();
    this.#send?.close();
    this.#receive?.close();
    this.#producers.clear();
    this.#consumers.clear();
  }

  async #connect(): Promise<void> {
    await this.#device.load({
      routerRtpCapabilities: this.#options.routerRtpCapabilities as types.RtpCapabilities,
    });
    const [send, receive] = await Promise.all([
      this.#signaling.request('transport:create', { direction: 'send' }),
      this.#signaling.request('transport:create', { direction: 'recv' }),
    ]);
    this.#send = this.#wire(this.#device.createSendTransport(this.#transportOptions(send)));
    this.#receive = this.#wire(this.#device.createRecvTransport(this.#transportOptions(receive)));
    this.#send.on('produce', ({ rtpParameters, appData }, callback, errback) => {
      this.#signaling
        .request('producer:create', {
          transportId: send.id,
          source: appData.source as SourceKind,
          rtpParameters: rtpParameters as never,
          paused: appData.paused === true,
          ...(appData.size ? { size: appData.size as Size } : {}),
        })
        .then(({ producerId }) => callback({ id: producerId }), errback);
    });
  }

  #transportOptions(options: TransportOptions): types.TransportOptions {
    return { ...options, iceServers: this.#options.iceServers } as unknown as types.TransportOptions;
  }

  #wire(transport: types.Transport): types.Transport {
    transport.on('connect', ({ dtlsParameters }, callback, errback) => {
      this.#signaling
        .request('transport:connect', { transportId: transport.id, dtlsParameters: dtlsParameters as never })
        .then(() => callback(), errback);
    });
    this.#watches.push(
      new TransportWatch(transport, {
        restartIce: async () => {
          const answer = await this.#signaling.request('transport:restart-ice', { transportId: transport.id });
          await transport.restartIce({ iceParameters: answer.iceParameters as never });
        },
        onFailed: () => {
          if (!this.#closed) this.#options.onFailed();
        },
      }),
    );
    return transport;
  }

  async #produce(
    transport: types.Transport,
    source: SourceKind,
    track: MediaStreamTrack,
    { paused, music = false }: Wanted,
  ): Promise<void> {
    track.enabled = !paused;
    const size = sizeOf(track);
    const vp8 = this.#device.sendRtpCapabilities.codecs?.find((c) => c.mimeType.toLowerCase() === 'video/vp8');
    const producer = await transport.produce({
      track,
      stopTracks: false,
      appData: { source, paused, size },
      ...(track.kind === 'audio'
        ? {
            codecOptions: {
              opusFec: true,
              opusDtx: source === 'microphone' && !music,
              opusStereo: source === 'screen-audio' || music,
              ...(music ? { opusMaxAverageBitrate: MUSIC_BITRATE } : {}),
            },
          }
        : {
            encodings: source === 'screen' ? screenLayers() : cameraLayers(size?.width ?? 1280, size?.height ?? 720),
            codecOptions: { videoGoogleStartBitrate: START_BITRATE_KBIT },
            ...(vp8 ? { codec: vp8 } : {}),
          }),
    });
    this.#producers.set(source, producer);
    this.#shapes.set(source, shapeOf(source, track, music));
  }

  async #adjust(producer: types.Producer, wanted: Wanted): Promise<void> {
    const { id: producerId } = producer;
    const pause = wanted.paused || !wanted.track;
    // The server hears of a pause before the track goes, and of a resume when the new one runs: no black frame goes out.
    if (pause && !producer.paused) {
      producer.pause();
      await this.#signaling.request('producer:pause', { producerId });
    }
    if (producer.track !== wanted.track) await producer.replaceTrack({ track: wanted.track });
    if (!pause && producer.paused) {
      producer.resume();
      await this.#signaling.request('producer:resume', { producerId });
    }
  }

  async #closeProducer(source: SourceKind, producer: types.Producer): Promise<void> {
    this.#producers.delete(source);
    producer.close();
    await this.#signaling.request('producer:close', { producerId: producer.id });
  }

  #tell(): void {
    this.#options.onRemote([...this.#consumers.values()].map((entry) => entry.remote));
  }
}
