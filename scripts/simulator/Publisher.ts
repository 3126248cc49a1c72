/**
 * Plays a clip into a send transport: its video layers and the sound, on the capture clock. One for each time that a peer
 * publishes; after `media:reset` SimulatedPeer makes a new one.
 *
 * Timestamps: video and audio of a peer are both functions of the CaptureClock, and the sender reports map RTP time to that same clock.
 */
import type { RtcpPacket } from 'werift';
import { GenericNack, RtcpPayloadSpecificFeedback, RtcpTransportLayerFeedback } from 'werift';
import { CaptureClock } from './CaptureClock.ts';
import { CLIP_FRAMES, FPS } from './clip/frameCode.ts';
import { type EncodedClip, layersOf, type VideoCodec } from './clip/makeClip.ts';
import { LayerPlayer } from './LayerPlayer.ts';
import type { MediaTransport } from './MediaTransport.ts';
import type { Paced, Pacer } from './Pacer.ts';
import { AUDIO_LEVEL, type PacketSender, RtpStream } from './RtpStream.ts';
import type { SentFrames } from './SentFrames.ts';

const AUDIO_PER_SECOND = 50;
/** mediasoup switches layers only to streams that had a sender report: one at once, then each second. */
const REPORT_MS = 1000;
/** Pace of one peer: a key frame of all three layers sent at once overflows a socket buffer of 208 kB. */
const PACKETS_PER_MS = 2;
/** Not more than this in one tick, however late it comes. */
const MAX_PACKETS_PER_TICK = 64;
/** Level of whoever speaks, and of whoever does not, −dBov. The clip sounds the same: it is what the header extension says. */
const LEVEL = { speaking: 20, silent: 70 } as const;
/** What is later than this is not sent any more: the machine was asleep or much too busy, ms. */
const TOO_LATE_MS = 1000;

export interface PublisherOptions {
  transport: MediaTransport;
  clip: EncodedClip;
  codec: VideoCodec;
  /** The peer's number: its phase. */
  number: number;
  clock: CaptureClock;
  pacer: Pacer;
  sentFrames: SentFrames;
  payloadTypes: { video: number; audio: number };
  /** Share of packets that get lost on their way to the server, 0 to 1. */
  loss: number;
  /** The very first RTP packet leaves, of whichever stream; wall clock in ms. */
  onFirstPacket?: (sentMs: number) => void;
}

export class Publisher implements Paced {
  readonly layers: LayerPlayer[];
  readonly audio: RtpStream;
  /** Frames and audio packets that were too late to be sent. */
  skipped = 0;
  readonly #transport: MediaTransport;
  readonly #clip: EncodedClip;
  readonly #clock: CaptureClock;
  readonly #pacer: Pacer;
  readonly #sentFrames: SentFrames;
  readonly #phaseMs: number;
  #onFirstPacket: ((sentMs: number) => void) | undefined;
  readonly #queue: (() => void)[] = [];
  #nextFrame = 0;
  #nextAudio = 0;
  #nextReportMs = 0;
  #tickedMs = 0;
  #audioOn = true;
  #videoOn = true;
  #speaking = false;
  #closed = false;

  constructor(options: PublisherOptions) {
    this.#transport = options.transport;
    this.#clip = options.clip;
    this.#clock = options.clock;
    this.#pacer = options.pacer;
    this.#sentFrames = options.sentFrames;
    this.#phaseMs = options.clock.phaseMs(options.number);
    this.#onFirstPacket = options.onFirstPacket;
    this.layers = options.clip.video.map(
      (copies) => new LayerPlayer(options.codec, copies, options.payloadTypes.video, options.loss),
    );
    this.audio = new RtpStream(options.payloadTypes.audio, 48_000, options.loss);
    this.#transport.onRtcp((packet) => this.#onRtcp(packet));
  }

  get streams(): RtpStream[] {
    return [...this.layers.map((layer) => layer.stream), this.audio];
  }

  get sendErrors(): number {
    return this.#transport.sendErrors;
  }

  start({ audio, video }: { audio: boolean; video: boolean }): void {
    if (this.#closed) throw new Error('the publisher is closed');
    this.#audioOn = audio;
    this.#videoOn = video;
    const now = this.#clock.nowMs();
    this.#nextFrame = CaptureClock.unitAtOrAfter(now, FPS, this.#phaseMs);
    this.#nextAudio = CaptureClock.unitAtOrAfter(now, AUDIO_PER_SECOND, this.#phaseMs);
    this.#pacer.add(this);
  }

  setAudio(on: boolean): void {
    this.#audioOn = on;
  }

  setSpeaking(speaking: boolean): void {
    this.#speaking = speaking;
  }

  setVideo(on: boolean): void {
    if (on && !this.#videoOn) for (const layer of this.layers) layer.requestKeyFrame();
    this.#videoOn = on;
  }

  tick(): void {
    const now = this.#clock.nowMs();
    this.#sendAudio(now);
    this.#queueVideo(now);
    const budget = Math.min(MAX_PACKETS_PER_TICK, Math.ceil((now - this.#tickedMs) * PACKETS_PER_MS));
    this.#tickedMs = now;
    for (const send of this.#queue.splice(0, Math.max(0, budget))) send();
    if (now < this.#nextReportMs) return;
    this.#nextReportMs = now + REPORT_MS;
    this.#transport.sendRtcp(this.streams.map((stream) => stream.report(this.#clock.nowMs())));
  }

  /** A packet of 20 ms leaves when its last sample was captured. */
  #sendAudio(now: number): void {
    for (;;) {
      const captureMs = CaptureClock.captureMs(this.#nextAudio, AUDIO_PER_SECOND, this.#phaseMs);
      const lateMs = now - captureMs - 1000 / AUDIO_PER_SECOND;
      if (lateMs < 0) return;
      const payload = this.#clip.audio[this.#nextAudio % this.#clip.audio.length];
      this.#nextAudio++;
      if (!this.#audioOn || !payload) continue;
      if (lateMs > TOO_LATE_MS) this.skipped++;
      else {
        const level = this.#speaking ? LEVEL.speaking : LEVEL.silent;
        this.#first().audio.send(this.#transport, payload, captureMs, this.audio.packets === 0, level);
      }
    }
  }

  #queueVideo(now: number): void {
    for (;;) {
      const n = this.#nextFrame;
      const captureMs = CaptureClock.captureMs(n, FPS, this.#phaseMs);
      if (captureMs > now) return;
      this.#nextFrame++;
      if (!this.#videoOn) continue;
      if (now - captureMs > TOO_LATE_MS) {
        this.skipped++;
        // The layers' next frames refer to one that nobody got.
        for (const layer of this.layers) layer.requestKeyFrame();
        continue;
      }
      const packets = this.layers.flatMap((layer) => layer.frame(n % CLIP_FRAMES));
      packets.forEach((send, i) => {
        this.#queue.push(() => {
          if (i === 0) this.#sentFrames.add(n, captureMs, this.#clock.nowMs());
          this.#first();
          send(this.#transport as PacketSender, captureMs);
        });
      });
    }
  }

  #first(): this {
    this.#onFirstPacket?.(this.#clock.nowMs());
    this.#onFirstPacket = undefined;
    return this;
  }

  /** PLI and FIR (RFC 4585 section 6.3.1, RFC 5104 section 4.3.1), generic NACK. */
  #onRtcp(packet: RtcpPacket): void {
    if (this.#closed) return;
    if (packet instanceof RtcpTransportLayerFeedback && packet.feedback instanceof GenericNack) {
      const { mediaSourceSsrc, lost } = packet.feedback;
      this.streams.find((stream) => stream.ssrc === mediaSourceSsrc)?.resend(this.#transport, lost);
    }
    if (!(packet instanceof RtcpPayloadSpecificFeedback) || !packet.feedback) return;
    const { feedback } = packet;
    const wanted = 'fir' in feedback ? feedback.fir.map((entry) => entry.ssrc) : [feedback.mediaSsrc];
    for (const ssrc of wanted) this.layers.find((layer) => layer.stream.ssrc === ssrc)?.requestKeyFrame();
  }

  /** What `producer:create` is told. */
  rtpParameters(codec: VideoCodec, fmtp: Record<string, string | number>, cname: string) {
    const rtcp = { cname, reducedSize: true };
    const rtcpFeedback = [
      { type: 'nack', parameter: '' },
      { type: 'nack', parameter: 'pli' },
      { type: 'ccm', parameter: 'fir' },
    ];
    const payloadType = this.layers[0]?.stream.payloadType ?? 0;
    const mimeType = `video/${codec.toUpperCase()}`;
    const layers = layersOf(codec);
    const highest = layers.at(-1)?.height ?? 0;
    return {
      camera: {
        codecs: [{ mimeType, clockRate: 90_000, payloadType, parameters: fmtp, rtcpFeedback }],
        encodings: this.layers.map((layer, i) => ({
          ssrc: layer.stream.ssrc,
          scalabilityMode: 'L1T1',
          scaleResolutionDownBy: highest / (layers[i]?.height ?? highest),
          maxBitrate: (layers[i]?.kbps ?? 0) * 1000,
        })),
        rtcp,
      },
      microphone: {
        codecs: [
          {
            mimeType: 'audio/opus',
            clockRate: 48_000,
            channels: 2,
            payloadType: this.audio.payloadType,
            parameters: { useinbandfec: 1, usedtx: 1 },
          },
        ],
        encodings: [{ ssrc: this.audio.ssrc }],
        headerExtensions: [AUDIO_LEVEL],
        rtcp,
      },
    };
  }

  /** Idempotent; closes the transport. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#pacer.remove(this);
    this.#queue.length = 0;
    await this.#transport.close();
  }
}
