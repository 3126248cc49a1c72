/**
 * Comes in: authentic RTP packets and sender reports of one SSRC, in the order of their arrival. Goes out: packets in order of
 * sequence numbers to VideoFrames.ts or AudioPackets.ts, and the RTCP wishes of the stream (NACK, PLI, report block).
 * Queue: ReorderBuffer.ts, 2,048 packets. Drop policy: a hole is given up at its sink's deadline, or when it is too long.
 */
import type { JobSource } from '../../src/contracts/job.ts';
import type { EncodedAudio, EncodedVideo } from '../types.ts';
import { AudioPackets } from './AudioPackets.ts';
import { videoCodec } from './depacketize/codecs.ts';
import type { VideoCodec } from './depacketize/VideoCodec.ts';
import { KeyFrameRequester } from './KeyFrameRequester.ts';
import { LayerShift } from './LayerShift.ts';
import { MAX_MISSING, NackScheduler } from './NackScheduler.ts';
import type { OrderedSink, Timing } from './OrderedSink.ts';
import { opusLengthMs } from './opusLength.ts';
import type { PlayoutDelay } from './PlayoutDelay.ts';
import { ReceptionStats } from './ReceptionStats.ts';
import { REORDER_CAPACITY, ReorderBuffer } from './ReorderBuffer.ts';
import { RtpTimeline, type RtpToProgram } from './RtpTimeline.ts';
import type { ReportBlock, SenderReport } from './rtcp.ts';
import type { RtpPacket } from './rtpPacket.ts';
import type { SfuClock } from './SfuClock.ts';
import { VideoFrames } from './VideoFrames.ts';

/**
 * More than this of a stream, and more packets than this, are missing: the network was gone. What was lost could not be mended before it
 * should have been seen or heard (the longest playout delay), so that it is given up at once, and video asks for a key frame at
 * once. A screen that stands still has as long steps, but nothing is missing then. ms, packets
 */
const OUTAGE_MS = 400;
const OUTAGE_PACKETS = 8;
/** Where nothing comes at all from a source that is not paused, its key frame may have been lost whole: ask after this, ms. */
const SILENT_START_MS = 1_000;

/** What a source wants of the SFU; the owner sends it. */
export interface Wishes {
  nack(ssrc: number, indices: readonly number[]): void;
  keyFrame(source: JobSource): void;
}

export interface SourceStats {
  packets: number;
  /** Given up. */
  lost: number;
  /** Missing at first, then there in time. */
  recovered: number;
  /** Packets asked for again; one asked for twice counts twice. */
  nacks: number;
  plis: number;
  /** Video frames not given out: broken, cut off, or without the key frame that they build on. */
  droppedFrames: number;
}

export class SourceReceiver {
  readonly stats: SourceStats = { packets: 0, lost: 0, recovered: 0, nacks: 0, plis: 0, droppedFrames: 0 };
  #source: JobSource;
  readonly #timeline: RtpTimeline;
  readonly #delay: PlayoutDelay;
  readonly #wishes: Wishes;
  readonly #reorder = new ReorderBuffer();
  readonly #nacks = new NackScheduler();
  readonly #keyFrames = new KeyFrameRequester();
  readonly #reception: ReceptionStats;
  readonly #codec: VideoCodec | null;
  readonly #shift: LayerShift;
  readonly #sink: OrderedSink;
  #timelineSteps = 0;
  /** Of the newest packet by sequence number: when it came, and its timestamp, unwrapped. */
  #newestMs = Number.POSITIVE_INFINITY;
  #newestRtp = 0;

  constructor(o: {
    source: JobSource;
    clock: SfuClock;
    delay: PlayoutDelay;
    wishes: Wishes;
    nowMs: number;
    video: (frame: EncodedVideo) => void;
    audio: (packet: EncodedAudio) => void;
  }) {
    this.#source = o.source;
    this.#delay = o.delay;
    this.#wishes = o.wishes;
    const { clockRate, id } = o.source;
    this.#timeline = new RtpTimeline({ clockRate, clock: o.clock, carried: o.source.carry?.rtpToProgram ?? null });
    this.#reception = new ReceptionStats(o.source.ssrc, clockRate);
    const timing: Timing = {
      unwrap: (timestamp) => this.#timeline.unwrap(timestamp),
      playoutMs: (rtp, nowMs) => this.#timeline.captureMs(rtp, nowMs) + this.#delay.valueMs,
      complete: (rtp, nowMs) => this.#complete(rtp, nowMs),
    };
    const video = videoCodec(o.source);
    this.#codec = video?.codec ?? null;
    this.#shift = new LayerShift(clockRate);
    this.#sink = video
      ? new VideoFrames({
          source: id,
          ...video,
          timing,
          keyFrames: this.#keyFrames,
          output: o.video,
          dropped: () => this.stats.droppedFrames++,
        })
      : new AudioPackets({ source: id, timing, output: o.audio });
    if (video) this.#keyFrames.want(o.nowMs + SILENT_START_MS);
  }

  get source(): JobSource {
    return this.#source;
  }

  get playoutDelayMs(): number {
    return this.#delay.valueMs;
  }

  /** True while a packet is missed: `tick` is then to be called each 10 ms. */
  get pending(): boolean {
    return this.#reorder.hasHole;
  }

  /** Takes over what may change without the stream being another one. */
  update(source: JobSource): void {
    this.#source = source;
  }

  /** False where the packet is not of the payload type that the job names. */
  rtp(packet: RtpPacket, nowMs: number): boolean {
    if (packet.payloadType !== this.#source.payloadType) return false;
    if (packet.index > this.#reorder.highest) this.#newest(packet, nowMs);
    else if (this.#codec?.startsKeyFrame(packet.payload)) this.#keyFrameStarts(packet);
    const placed = this.#reorder.push(packet);
    if (placed === 'duplicate') return true;
    this.#reception.packet(packet.index, this.#timeline.unwrap(packet.timestamp), nowMs);
    if (placed !== 'held') return true;
    this.stats.packets++;
    if (this.#nacks.received(packet.index)) this.stats.recovered++;
    if (this.#reorder.hasHole) this.#sink.ahead(packet);
    this.#drain(nowMs);
    this.#mend(nowMs);
    this.#askKeyFrame(nowMs);
    return true;
  }

  senderReport(report: SenderReport, nowMs: number): void {
    const lateTicks = this.#timeline.lateTicks(report);
    if (lateTicks === 0) this.#shift.confirm();
    else if (this.#shift.correct(lateTicks)) this.#timeline.reshift(this.#shift.ticks);
    this.#timeline.report(report, nowMs);
    this.#reception.senderReport(report, nowMs);
  }

  /** What is missing now is lost: the stream ended, or is not waited for any more. */
  flush(nowMs: number): void {
    while (this.#reorder.hasHole) this.#skip(nowMs);
  }

  /** The process stood still for `ms`; what came meanwhile is still in the socket. */
  stalled(ms: number): void {
    this.#nacks.stalled(ms);
  }

  requestKeyFrame(nowMs: number): void {
    if (!this.#codec) return;
    this.#keyFrames.want(nowMs);
    this.#askKeyFrame(nowMs);
  }

  /** Each 10 ms while `pending`, else each 100 ms. */
  tick(nowMs: number): void {
    this.#mend(nowMs);
    this.#sink.tick(nowMs, this.#holeSinceMs());
    this.#sendNacks(nowMs);
    this.#askKeyFrame(nowMs);
  }

  /** For a receiver report; null before the first packet. */
  block(nowMs: number): ReportBlock | null {
    return this.#reception.block(nowMs);
  }

  carry(): RtpToProgram | null {
    return this.#timeline.carry();
  }

  #newest(packet: RtpPacket, nowMs: number): void {
    const missingFrom = this.#reorder.highest + 1;
    if (this.#codec) this.#shift.advance(packet.timestamp, this.#codec.startsKeyFrame(packet.payload), nowMs);
    const lengthMs = this.#codec ? 0 : opusLengthMs(packet.payload);
    const rtp = this.#timeline.advance(packet.timestamp, nowMs, { shift: this.#shift.ticks, lengthMs });
    const stepMs = ((rtp - this.#newestRtp) * 1000) / this.#source.clockRate;
    const outage = packet.index - missingFrom > OUTAGE_PACKETS && stepMs > OUTAGE_MS;
    if (nowMs - this.#newestMs > OUTAGE_MS) this.#keyFrames.heard();
    this.#newestMs = nowMs;
    this.#newestRtp = rtp;
    if (missingFrom === 0 || packet.index === missingFrom) return;
    const beyond = packet.index >= this.#reorder.next + REORDER_CAPACITY;
    if (outage || beyond || packet.index - missingFrom > MAX_MISSING) {
      const missing = this.#reorder.restart(packet);
      this.#nacks.forgetBelow(packet.index);
      this.stats.lost += missing;
      this.#sink.lost(missing, nowMs);
      return;
    }
    this.#nacks.add(missingFrom, packet.index, nowMs);
    this.#sendNacks(nowMs);
  }

  /** The packet came behind others of its frame. */
  #keyFrameStarts({ timestamp }: RtpPacket): void {
    this.#shift.startOf(timestamp);
    if (this.#shift.ticks !== this.#timeline.shift) this.#timeline.reshift(this.#shift.ticks);
  }

  #complete(rtp: number, nowMs: number): void {
    const transitMs = nowMs - this.#timeline.captureMs(rtp, nowMs);
    if (this.#timeline.steps !== this.#timelineSteps) {
      this.#timelineSteps = this.#timeline.steps;
      this.#delay.forget(this.#source.id, nowMs);
    }
    this.#delay.observe(this.#source.id, transitMs, nowMs);
  }

  #drain(nowMs: number): void {
    for (let packet = this.#reorder.shift(); packet; packet = this.#reorder.shift()) this.#sink.write(packet, nowMs);
  }

  #holeSinceMs(): number | null {
    return this.#reorder.hasHole ? this.#nacks.since(this.#reorder.next) : null;
  }

  /** Gives up holes whose time has come. */
  #mend(nowMs: number): void {
    while (this.#reorder.hasHole) {
      const next = this.#reorder.firstHeld();
      const sinceMs = this.#nacks.since(this.#reorder.next);
      if (!next || (sinceMs !== null && nowMs < this.#sink.giveUpAtMs(sinceMs, next, nowMs))) return;
      this.#skip(nowMs);
    }
  }

  #skip(nowMs: number): void {
    const missing = this.#reorder.skipHole();
    this.#nacks.forgetBelow(this.#reorder.next);
    this.stats.lost += missing;
    this.#sink.lost(missing, nowMs);
    this.#drain(nowMs);
  }

  #sendNacks(nowMs: number): void {
    if (!this.#nacks.pending) return;
    const indices = this.#nacks.due(nowMs);
    if (indices.length === 0) return;
    this.stats.nacks += indices.length;
    this.#wishes.nack(this.#source.ssrc, indices);
  }

  #askKeyFrame(nowMs: number): void {
    if (this.#source.paused || !this.#keyFrames.due(nowMs)) return;
    this.stats.plis++;
    this.#wishes.keyFrame(this.#source);
  }
}
