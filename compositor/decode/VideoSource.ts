/**
 * One camera or screen: a queue of encoded frames, its decoder, a small queue of pictures, and the picture that is shown. Which
 * picture a frame of the program shows is Cadence.ts' business.
 * In: EncodedVideo of ingest; out: `show()` once for each frame of the grid; next: compose/VideoComposer.ts.
 *
 * Drop policy. A source that is not seen is not decoded: its frames are dropped until it is seen again and a key frame
 * has come. When more than MAX_ENCODED frames wait, all are dropped up to the next key frame. A frame that cannot be
 * decoded drops what follows up to the next key frame; the last good picture stays. Pictures of a format that cannot be shown
 * are dropped one by one, until there is another format.
 *
 * Races. Decoding is asynchronous, so one `#run` at a time takes frames from the queue; `close()` and `setSeen(false)`
 * during a decode take effect when it comes back.
 */
import type { Logger } from '../../src/common/logger.ts';
import type { SourceId } from '../../src/contracts/ids.ts';
import type { EncodedVideo } from '../types.ts';
import { Cadence } from './Cadence.ts';
import { type Picture, UnsupportedPicture, VideoDecoder } from './VideoDecoder.ts';

/** Pictures decoded ahead of their time: enough for a late tick, little enough for memory (1.4 MB each at 720p). */
const MAX_PICTURES = 6;
/** Two seconds at 30 fps: more than the longest playout delay. */
const MAX_ENCODED = 60;
/** Further ahead than any playout delay: the clock mapping was wrong, and the picture must not hold up what follows. */
const MAX_AHEAD_MS = 3000;
/** Of RTP video, whatever the codec (RFC 3551 section 5). */
const TICKS_PER_MS = 90;

export interface VideoSourceOptions {
  id: SourceId;
  logger: Logger;
  /** A key frame is needed. */
  requestKeyFrame(id: SourceId): void;
}

interface QueuedPicture {
  picture: Picture;
  /** On the source's own clock, ms. */
  captureMs: number;
  /** The first program frame that shows it; known when its time is near. */
  frame: number | null;
}

export class VideoSource {
  readonly id: SourceId;
  readonly #logger: Logger;
  readonly #requestKeyFrame: (id: SourceId) => void;
  #encoded: EncodedVideo[] = [];
  #pictures: QueuedPicture[] = [];
  #cadence: Cadence | null = null;
  #shown: Picture | null = null;
  #decoder: VideoDecoder | null = null;
  #seen = false;
  #needsKeyFrame = true;
  #running = false;
  #closed = false;
  #waiters: (() => void)[] = [];
  #decoded = 0;
  #dropped = 0;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor({ id, logger, requestKeyFrame }: VideoSourceOptions) {
    this.id = id;
    this.#logger = logger;
    this.#requestKeyFrame = requestKeyFrame;
  }

  /** Since the start. `dropped`: frames that were never decoded, and pictures that were never shown. */
  stats(): { decoded: number; dropped: number; width: number; height: number } {
    const { width = 0, height = 0 } = this.#shown ?? {};
    return { decoded: this.#decoded, dropped: this.#dropped, width, height };
  }

  /** The picture that is shown now. */
  get picture(): Picture | null {
    return this.#shown;
  }

  write(video: EncodedVideo): void {
    if (this.#closed) return;
    if (!this.#seen || (this.#needsKeyFrame && !video.keyFrame)) {
      this.#dropped += 1;
      return;
    }
    if (this.#encoded.length >= MAX_ENCODED) {
      this.#restart('too many frames wait for the decoder');
      if (!video.keyFrame) {
        this.#dropped += 1;
        return;
      }
    }
    this.#needsKeyFrame = false;
    this.#encoded.push(video);
    this.#pump();
  }

  /** A source that is not seen costs nothing; seen again, it asks for a key frame. */
  setSeen(seen: boolean): void {
    if (this.#closed || seen === this.#seen) return;
    this.#seen = seen;
    if (seen) {
      this.#requestKeyFrame(this.id);
      return;
    }
    this.#clear();
    this.#shown?.frame.free();
    this.#shown = null;
  }

  /** The picture for the program frame at `timeMs`: the newest whose turn it is. Not while a picture of this source is being drawn. */
  show(timeMs: number, framePeriodMs: number): Picture | null {
    this.#cadence ??= new Cadence(framePeriodMs);
    const now = Math.round(timeMs / framePeriodMs);
    let count = 0;
    for (const queued of this.#pictures) {
      const { playoutMs } = queued.picture;
      queued.frame ??= this.#cadence.frameOf({ captureMs: queued.captureMs, playoutMs }, now);
      if (queued.frame > now && playoutMs < timeMs + MAX_AHEAD_MS) break;
      count += 1;
    }
    const passed = this.#pictures.splice(0, count);
    const next = passed.pop();
    if (next) {
      this.#dropped += passed.length;
      for (const { picture } of passed) picture.frame.free();
      this.#shown?.frame.free();
      this.#shown = next.picture;
    }
    this.#pump();
    return this.#shown;
  }

  /** Resolves when nothing is left to decode, or the pictures are as many as may wait. */
  settled(): Promise<void> {
    return this.#running ? new Promise((resolve) => this.#waiters.push(resolve)) : Promise.resolve();
  }

  /** Not while a picture of this source is being drawn. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#clear();
    this.#shown?.frame.free();
    this.#shown = null;
    if (!this.#running) this.#freeDecoder();
  }

  #clear(): void {
    this.#dropped += this.#encoded.length + this.#pictures.length;
    this.#encoded = [];
    for (const { picture } of this.#pictures) picture.frame.free();
    this.#pictures = [];
    this.#cadence = null;
    this.#needsKeyFrame = true;
  }

  #restart(reason: string, error?: unknown): void {
    this.#dropped += this.#encoded.length;
    const nextKeyFrame = this.#encoded.findIndex((video) => video.keyFrame);
    // What waits behind a later key frame is still good, unless it is what overflowed.
    this.#encoded = error !== undefined && nextKeyFrame >= 0 ? this.#encoded.slice(nextKeyFrame) : [];
    this.#dropped -= this.#encoded.length;
    this.#needsKeyFrame = this.#encoded.length === 0;
    if (this.#needsKeyFrame) this.#requestKeyFrame(this.id);
    this.#warn(reason, error);
  }

  /** At most once a second. */
  #warn(reason: string, error?: unknown): void {
    const now = performance.now();
    if (now - this.#warnedAt < 1000) return;
    this.#warnedAt = now;
    this.#logger.warn({ source: this.id, reason, err: error }, 'frames of a video source are left out');
  }

  #pump(): void {
    if (this.#running || this.#closed || this.#encoded.length === 0 || this.#pictures.length >= MAX_PICTURES) return;
    this.#running = true;
    void this.#run().finally(() => {
      this.#running = false;
      if (this.#closed) this.#freeDecoder();
      for (const resolve of this.#waiters.splice(0)) resolve();
    });
  }

  async #run(): Promise<void> {
    while (!this.#closed && this.#pictures.length < MAX_PICTURES) {
      const video = this.#encoded.shift();
      if (!video) return;
      try {
        await this.#decode(video);
      } catch (error) {
        this.#dropped += 1;
        if (this.#closed || !this.#seen) continue;
        if (error instanceof UnsupportedPicture) this.#warn(error.message);
        else {
          // What a broken stream said of itself (H.264's reordering, for one) stays in a decoder, also over key frames.
          this.#freeDecoder();
          this.#restart('a frame could not be decoded', error);
        }
      }
    }
  }

  async #decode(video: EncodedVideo): Promise<void> {
    if (this.#decoder?.mime !== video.mime) {
      this.#freeDecoder();
      this.#decoder = await VideoDecoder.create(video.mime);
    }
    const pictures = await this.#decoder.decode(video);
    this.#decoded += pictures.length;
    if (this.#closed || !this.#seen) {
      for (const picture of pictures) picture.frame.free();
      this.#dropped += pictures.length;
      return;
    }
    for (const picture of pictures) {
      // A decoder that holds pictures back answers with an older one than was written.
      const captureMs = video.rtp / TICKS_PER_MS + picture.playoutMs - video.playoutMs;
      this.#pictures.push({ picture, captureMs, frame: null });
    }
  }

  #freeDecoder(): void {
    this.#decoder?.close();
    this.#decoder = null;
  }
}
