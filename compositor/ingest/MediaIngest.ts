/**
 * Comes in: SRTP over UDP from one mediasoup PlainTransport (AEAD_AES_128_GCM, rtcpMux), all sources told apart by SSRC.
 * Goes out: whole encoded video frames and Opus packets in decoding order with their playout time, as events, emitted while
 * the datagram that completes them is handled. Next: compositor/decode.
 * Queue: one ReorderBuffer.ts a source. Drop policy: an SSRC that the job does not name is dropped; a hole is given up when
 * it cannot be mended in time, and video then waits for a key frame.
 */
import { randomBytes } from 'node:crypto';
import type { Logger } from '../../src/common/logger.ts';
import { TypedEmitter } from '../../src/common/TypedEmitter.ts';
import { AppError } from '../../src/contracts/errors.ts';
import type { PeerId, SourceId } from '../../src/contracts/ids.ts';
import type { JobSource, SrtpParameters } from '../../src/contracts/job.ts';
import type { EncodedAudio, EncodedVideo, ProgramClock } from '../types.ts';
import { isSupported } from './depacketize/codecs.ts';
import { IngestSocket } from './IngestSocket.ts';
import { PlayoutDelay } from './PlayoutDelay.ts';
import type { RtpToProgram } from './RtpTimeline.ts';
import {
  genericNack,
  MAX_REPORT_BLOCKS,
  parseRtcp,
  pictureLossIndication,
  type ReportBlock,
  receiverReport,
} from './rtcp.ts';
import { isRtcp } from './rtpPacket.ts';
import { SfuClock } from './SfuClock.ts';
import { SourceReceiver, type SourceStats } from './SourceReceiver.ts';
import { SrtcpSender } from './SrtcpSender.ts';
import { SrtpReceiver } from './SrtpReceiver.ts';

/** While a packet is missed: how often NACKs and deadlines are looked at, ms. */
const BUSY_TICK_MS = 10;
/** Else: key frames, playout delay, ms. */
const IDLE_TICK_MS = 100;
/** A timer that is this late tells that the process stood still, ms. */
const STALL_MS = 50;
/** Between two receiver reports, ms. */
const REPORT_MS = 1_000;

export interface MediaIngestEvents {
  /** A whole frame, in decoding order. */
  video: [frame: EncodedVideo];
  /** A packet, in order. */
  audio: [packet: EncodedAudio];
  /** A key frame of this source was asked for by PLI. */
  keyframe: [source: SourceId];
  /** The SFU has lost packets of a stream that goes back to it (return/ProgramReturn.ts). */
  missed: [ssrc: number, sequences: readonly number[]];
  /** Closed, by `close()` or because the socket failed. */
  closed: [];
}

/** Datagrams and packets that were dropped, by reason. */
export interface IngestDrops {
  /** Not from the connected address. */
  foreign: number;
  /** Of an SSRC that the job does not name. */
  unknownSsrc: number;
  malformed: number;
  unauthentic: number;
  replayed: number;
}

export interface IngestSourceStats extends SourceStats {
  playoutDelayMs: number;
}

export class MediaIngest extends TypedEmitter<MediaIngestEvents> {
  readonly ip: string;
  readonly port: number;
  readonly #clock: ProgramClock;
  readonly #logger: Logger;
  readonly #socket: IngestSocket;
  readonly #sender = new SrtcpSender();
  /** SSRC of our RTCP. */
  readonly #ssrc = randomBytes(4).readUInt32BE();
  readonly #sfuClock = new SfuClock();
  readonly #delays = new Map<PeerId, PlayoutDelay>();
  readonly #receivers = new Map<number, SourceReceiver>();
  readonly #wishes = {
    nack: (ssrc: number, indices: readonly number[]) => this.#send(genericNack(this.#ssrc, ssrc, indices)),
    keyFrame: (source: JobSource) => {
      this.#send(pictureLossIndication(this.#ssrc, source.ssrc));
      this.emit('keyframe', source.id);
    },
  };
  #srtp: SrtpReceiver | null = null;
  #unknownSsrc = 0;
  #wrongPayloadType = 0;
  #timer: NodeJS.Timeout | null = null;
  #busy = false;
  /** When the timer is to fire, program time. */
  #dueMs = 0;
  #reportedMs = 0;
  #closed = false;

  private constructor(o: { ip: string; clock: ProgramClock; logger: Logger; socket: IngestSocket }) {
    super();
    this.ip = o.ip;
    this.port = o.socket.port;
    this.#clock = o.clock;
    this.#logger = o.logger;
    this.#socket = o.socket;
    o.socket.on('datagram', (datagram) => this.#received(datagram));
    o.socket.on('failed', () => this.close());
  }

  /** Binds a free UDP port of the range (`[0, 0]`: any). Throws `no-capacity` where all are taken. */
  static async create(o: {
    ip: string;
    portRange: readonly [number, number];
    clock: ProgramClock;
    logger: Logger;
  }): Promise<MediaIngest> {
    const logger = o.logger.child({ stage: 'ingest' });
    const socket = await IngestSocket.create({ ip: o.ip, portRange: o.portRange, logger });
    const ingest = new MediaIngest({ ip: o.ip, clock: o.clock, logger, socket });
    logger.info({ ip: ingest.ip, port: ingest.port }, 'ingest bound');
    return ingest;
  }

  /** Our sending key, for the PlainTransport's `connect()`. */
  get srtpParameters(): SrtpParameters {
    return this.#sender.parameters;
  }

  /** Resolves when all that has come is passed on: after this process stood still. */
  drained(): Promise<void> {
    return this.#socket.drained();
  }

  /**
   * mediasoup's side. Again with other parameters when the SFU has a new transport: what was held of the old one is
   * dropped, the playout delays stay. Throws `conflict` when closed, `bad-media` for a key of the wrong length.
   */
  connect(remote: { ip: string; port: number; srtpParameters: SrtpParameters }): void {
    this.#refuseClosed();
    const srtp = new SrtpReceiver(remote.srtpParameters);
    this.#socket.connect(remote);
    if (this.#srtp) this.#restart();
    this.#srtp = srtp;
    this.#logger.info({ ip: remote.ip, port: remote.port }, 'ingest connected');
    this.#schedule();
  }

  /** Exactly these sources from now on. A source whose stream is the same one goes on undisturbed. Throws `conflict` when closed. */
  setSources(sources: readonly JobSource[]): void {
    this.#refuseClosed();
    const wanted = new Map(sources.map((source) => [source.ssrc, source]));
    for (const [ssrc, receiver] of this.#receivers) {
      const source = wanted.get(ssrc);
      if (source && isSameStream(source, receiver.source)) receiver.update(source);
      else this.#receivers.delete(ssrc);
    }
    for (const source of wanted.values()) if (!this.#receivers.has(source.ssrc)) this.#add(source);
    const peers = new Set(sources.map((source) => source.peer));
    for (const peer of this.#delays.keys()) if (!peers.has(peer)) this.#delays.delete(peer);
    this.#schedule();
  }

  /** Asks for a key frame, at most once in 300 ms and until one comes. Nothing where the source is unknown or no video. */
  requestKeyFrame(source: SourceId): void {
    if (!this.#closed) this.#receiverOf(source)?.requestKeyFrame(this.#clock.nowMs());
  }

  /** To the SFU: RTP that is protected with `srtpParameters` already. */
  sendProtected(datagram: Buffer): void {
    this.#socket.send(datagram);
  }

  /** To the SFU: reports about what goes back to it. */
  sendReport(rtcp: Buffer): void {
    this.#send(rtcp);
  }

  stats(): Record<SourceId, IngestSourceStats> {
    const entries = [...this.#receivers.values()].map(
      (r) => [r.source.id, { ...r.stats, playoutDelayMs: r.playoutDelayMs }] as const,
    );
    return Object.fromEntries(entries);
  }

  drops(): IngestDrops {
    const srtp = this.#srtp?.drops ?? { malformed: 0, unauthentic: 0, replayed: 0 };
    return {
      ...srtp,
      malformed: srtp.malformed + this.#wrongPayloadType,
      foreign: this.#socket.foreign,
      unknownSsrc: this.#unknownSsrc,
    };
  }

  /** What a successor needs of each source. */
  carry(): Record<SourceId, { playoutDelayMs: number; rtpToProgram: RtpToProgram | null }> {
    const entries = [...this.#receivers.values()].map(
      (r) => [r.source.id, { playoutDelayMs: r.playoutDelayMs, rtpToProgram: r.carry() }] as const,
    );
    return Object.fromEntries(entries);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#receivers.clear();
    this.#socket.close();
    this.#logger.info({ port: this.port, drops: this.drops() }, 'ingest closed');
    this.emit('closed');
  }

  #refuseClosed(): void {
    if (this.#closed) throw new AppError('conflict', 'The ingest is closed.');
  }

  /** Another SFU: another wall clock, other sequence numbers; what a predecessor carried over is no longer true. */
  #restart(): void {
    this.#sfuClock.reset();
    const sources = [...this.#receivers.values()].map((receiver) => receiver.source);
    this.#receivers.clear();
    for (const source of sources) this.#add({ ...source, carry: undefined });
  }

  #receiverOf(id: SourceId): SourceReceiver | undefined {
    for (const receiver of this.#receivers.values()) if (receiver.source.id === id) return receiver;
    return undefined;
  }

  #add(source: JobSource): void {
    if (!isSupported(source)) {
      this.#logger.warn({ source: source.id, mime: source.mime }, 'no depacketizer for this media type');
      return;
    }
    const nowMs = this.#clock.nowMs();
    let delay = this.#delays.get(source.peer);
    if (!delay) {
      delay = new PlayoutDelay(nowMs, source.carry?.playoutDelayMs);
      this.#delays.set(source.peer, delay);
    }
    delay.forget(source.id, nowMs);
    const receiver = new SourceReceiver({
      source,
      clock: this.#sfuClock,
      delay,
      wishes: this.#wishes,
      nowMs,
      video: (frame) => void (this.#closed || this.emit('video', frame)),
      audio: (packet) => void (this.#closed || this.emit('audio', packet)),
    });
    this.#receivers.set(source.ssrc, receiver);
  }

  #received(datagram: Buffer): void {
    if (!this.#srtp || datagram.length < 12) return;
    const nowMs = this.#clock.nowMs();
    this.#noticeStall(nowMs);
    if (isRtcp(datagram)) {
      this.#receivedRtcp(datagram, nowMs);
      return;
    }
    const receiver = this.#receivers.get(datagram.readUInt32BE(8));
    if (!receiver) {
      this.#unknownSsrc++;
      return;
    }
    const packet = this.#srtp.unprotectRtp(datagram);
    if (!packet) return;
    if (!receiver.rtp(packet, nowMs)) this.#wrongPayloadType++;
    if (receiver.pending && !this.#busy) this.#schedule();
  }

  #receivedRtcp(datagram: Buffer, nowMs: number): void {
    const compound = this.#srtp?.unprotectRtcp(datagram);
    if (!compound) return;
    const { reports, gone, missed } = parseRtcp(compound);
    for (const report of reports) this.#sfuClock.add(report.ntpMs, nowMs);
    for (const report of reports) this.#receivers.get(report.ssrc)?.senderReport(report, nowMs);
    for (const ssrc of gone) this.#receivers.get(ssrc)?.flush(nowMs);
    for (const { ssrc, sequences } of missed) this.emit('missed', ssrc, sequences);
  }

  /** One timer for all sources; none while nothing is connected. */
  #schedule(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#closed || !this.#srtp) return;
    this.#busy = false;
    for (const receiver of this.#receivers.values()) if (receiver.pending) this.#busy = true;
    const waitMs = this.#busy ? BUSY_TICK_MS : IDLE_TICK_MS;
    this.#dueMs = this.#clock.nowMs() + waitMs;
    this.#timer = setTimeout(() => this.#tick(), waitMs);
  }

  /** After a stall the timer comes before what waits in the socket: without this it would give up what is there already. */
  #noticeStall(nowMs: number): void {
    const lateMs = nowMs - this.#dueMs;
    if (lateMs < STALL_MS) return;
    this.#dueMs = nowMs;
    for (const receiver of this.#receivers.values()) receiver.stalled(lateMs);
  }

  #tick(): void {
    const nowMs = this.#clock.nowMs();
    this.#noticeStall(nowMs);
    for (const delay of this.#delays.values()) delay.update(nowMs);
    for (const receiver of this.#receivers.values()) receiver.tick(nowMs);
    // The program clock may be set back once, when it is first synchronised.
    if (Math.abs(nowMs - this.#reportedMs) >= REPORT_MS) {
      this.#reportedMs = nowMs;
      this.#sendReceiverReports(nowMs);
    }
    this.#schedule();
  }

  #sendReceiverReports(nowMs: number): void {
    const blocks: ReportBlock[] = [];
    for (const receiver of this.#receivers.values()) {
      const block = receiver.block(nowMs);
      if (block) blocks.push(block);
    }
    for (let i = 0; i < blocks.length; i += MAX_REPORT_BLOCKS) {
      this.#send(receiverReport(this.#ssrc, blocks.slice(i, i + MAX_REPORT_BLOCKS)));
    }
  }

  #send(rtcp: Buffer): void {
    this.#socket.send(this.#sender.protect(rtcp));
  }
}

/** False where it is another RTP stream under the same name. */
function isSameStream(a: JobSource, b: JobSource): boolean {
  return (
    a.id === b.id &&
    a.peer === b.peer &&
    a.payloadType === b.payloadType &&
    a.clockRate === b.clockRate &&
    a.mime.toLowerCase() === b.mime.toLowerCase()
  );
}
