/**
 * Comes in: RTP packets of one video stream in order, and the holes between them. Goes out: whole frames in decoding order;
 * after a hole that could not be mended nothing until the next key frame. Next: MediaIngest.ts emits them to decode.
 */
import type { SourceId } from '../../src/contracts/ids.ts';
import type { EncodedVideo } from '../types.ts';
import type { VideoCodec } from './depacketize/VideoCodec.ts';
import type { KeyFrameRequester } from './KeyFrameRequester.ts';
import type { OrderedSink, Timing } from './OrderedSink.ts';
import type { RtpPacket } from './rtpPacket.ts';

/** A hole is waited for as long as the largest playout delay, ms: what comes later could not be shown in time by any delay. */
const GIVE_UP_MS = 400;
/** With a key frame waiting behind it a hole need not be mended: it is given up when what follows should be seen, not before this, ms. */
const GIVE_UP_BEFORE_KEY_MS = 150;
/** A hole this old will likely not be mended: a key frame is asked for while the waiting goes on, ms. */
const ASK_KEY_FRAME_MS = 200;
/** The first packets of a stream are a key frame, since mediasoup asks for one; if not after this, ask, ms. */
export const START_KEY_FRAME_MS = 250;
/** Packets of one frame. A frame of more than 5 MB is none. */
const MAX_FRAME_PACKETS = 4_096;

export class VideoFrames implements OrderedSink {
  readonly #source: SourceId;
  readonly #mime: EncodedVideo['mime'];
  readonly #codec: VideoCodec;
  readonly #timing: Timing;
  readonly #keyFrames: KeyFrameRequester;
  readonly #output: (frame: EncodedVideo) => void;
  readonly #dropped: () => void;
  #parts: Buffer[] = [];
  #timestamp = 0;
  /** The packet before, in order, ended a frame. */
  #atBoundary = false;
  /** The packet before is not known: at the start, and behind a hole. */
  #behindHole = true;
  #needsKeyFrame = true;
  #started = false;
  /** Index of the newest start of a key frame that waits behind a hole. */
  #keyAhead = -1;

  constructor(o: {
    source: SourceId;
    mime: EncodedVideo['mime'];
    codec: VideoCodec;
    timing: Timing;
    keyFrames: KeyFrameRequester;
    output: (frame: EncodedVideo) => void;
    /** A frame was not given out: broken, cut off, or without the key frame that it builds on. */
    dropped: () => void;
  }) {
    this.#source = o.source;
    this.#mime = o.mime;
    this.#codec = o.codec;
    this.#timing = o.timing;
    this.#keyFrames = o.keyFrames;
    this.#output = o.output;
    this.#dropped = o.dropped;
  }

  write(packet: RtpPacket, nowMs: number): void {
    if (!this.#started) {
      this.#started = true;
      this.#keyFrames.want(nowMs + START_KEY_FRAME_MS);
    }
    // Packets of padding alone keep the sequence numbers going and mean nothing.
    if (packet.payload.length === 0) return;
    const start = this.#codec.startOf(packet.payload);
    const newTimestamp = packet.timestamp !== this.#timestamp;
    if (this.#parts.length > 0 && (newTimestamp || (this.#codec.exactStart && start === 'yes'))) {
      // The marker of the frame before is missing. At a layer switch mediasoup cuts a frame off; else some senders set none.
      if (this.#codec.startsKeyFrame(packet.payload)) this.#discard();
      else this.#finish(nowMs);
      this.#atBoundary = true;
    }
    if (this.#parts.length === 0) {
      const known = !this.#behindHole && (this.#atBoundary || newTimestamp);
      this.#behindHole = false;
      this.#timestamp = packet.timestamp;
      this.#atBoundary = packet.marker;
      if (start === 'no' || (start === 'maybe' && !known)) {
        this.#needKeyFrame(nowMs + ASK_KEY_FRAME_MS);
        return;
      }
    }
    this.#parts.push(packet.payload);
    if (packet.marker) {
      this.#finish(nowMs);
      this.#atBoundary = true;
    } else if (this.#parts.length > MAX_FRAME_PACKETS) this.#discard();
  }

  lost(_count: number, nowMs: number): void {
    this.#discard();
    this.#behindHole = true;
    this.#needKeyFrame(nowMs);
  }

  ahead(packet: RtpPacket): void {
    if (packet.index > this.#keyAhead && this.#codec.startsKeyFrame(packet.payload)) this.#keyAhead = packet.index;
  }

  giveUpAtMs(sinceMs: number, next: RtpPacket, nowMs: number): number {
    if (this.#keyAhead < next.index) return sinceMs + GIVE_UP_MS;
    // Nothing in front of the key frame can be shown, so there is nothing to wait for.
    if (this.#needsKeyFrame && this.#parts.length === 0) return sinceMs;
    const playoutMs = this.#timing.playoutMs(this.#timing.unwrap(next.timestamp), nowMs);
    return Math.min(sinceMs + GIVE_UP_MS, Math.max(sinceMs + GIVE_UP_BEFORE_KEY_MS, playoutMs));
  }

  tick(nowMs: number, holeSinceMs: number | null): void {
    if (holeSinceMs !== null && nowMs - holeSinceMs >= ASK_KEY_FRAME_MS) this.#keyFrames.want(nowMs);
  }

  #needKeyFrame(askAtMs: number): void {
    this.#needsKeyFrame = true;
    this.#keyFrames.want(askAtMs);
  }

  #discard(): void {
    if (this.#parts.length > 0) this.#dropped();
    this.#parts = [];
  }

  #finish(nowMs: number): void {
    const frame = this.#codec.assemble(this.#parts);
    this.#parts = [];
    if (frame && frame.data.length === 0) return;
    if (!frame || (!frame.keyFrame && (this.#needsKeyFrame || !frame.continuous))) {
      this.#dropped();
      this.#needKeyFrame(nowMs);
      return;
    }
    if (frame.keyFrame) {
      this.#needsKeyFrame = false;
      this.#keyFrames.satisfied();
    }
    const rtp = this.#timing.unwrap(this.#timestamp);
    this.#timing.complete(rtp, nowMs);
    this.#output({
      source: this.#source,
      mime: this.#mime,
      data: frame.data,
      keyFrame: frame.keyFrame,
      rtp,
      playoutMs: this.#timing.playoutMs(rtp, nowMs),
    });
  }
}
