/**
 * The decoders of all sources of a job, by source id. In: EncodedVideo and EncodedAudio of ingest; out: pictures for
 * compose/VideoComposer.ts, tracks for compose/Mixer.ts.
 */
import type { Logger } from '../../src/common/logger.ts';
import type { SourceId } from '../../src/contracts/ids.ts';
import type { JobSource } from '../../src/contracts/job.ts';
import type { EncodedAudio, EncodedVideo } from '../types.ts';
import { AudioSource } from './AudioSource.ts';
import type { PcmTrack } from './PcmTrack.ts';
import { canDecode, type Picture } from './VideoDecoder.ts';
import { VideoSource } from './VideoSource.ts';

export interface DecodeStats {
  decoded: number;
  dropped: number;
  width: number;
  height: number;
}

export class SourceSet {
  readonly #logger: Logger;
  readonly #requestKeyFrame: (id: SourceId) => void;
  readonly #video = new Map<SourceId, VideoSource>();
  readonly #audio = new Map<SourceId, AudioSource>();
  #closed = false;

  constructor(logger: Logger, requestKeyFrame: (id: SourceId) => void) {
    this.#logger = logger;
    this.#requestKeyFrame = requestKeyFrame;
  }

  /** Makes what `sources` has and this has not; nothing goes yet. */
  async add(sources: readonly JobSource[]): Promise<void> {
    for (const { id, mime } of sources) {
      if (mime.startsWith('audio/') || this.#video.has(id) || !canDecode(mime)) continue;
      this.#video.set(id, new VideoSource({ id, logger: this.#logger, requestKeyFrame: this.#requestKeyFrame }));
    }
    for (const { id, mime } of sources) {
      if (mime.toLowerCase() !== 'audio/opus' || this.#audio.has(id)) continue;
      const source = await AudioSource.create({ id, logger: this.#logger });
      // Two jobs may have asked for it at the same time, or all was closed meanwhile.
      if (this.#closed || this.#audio.has(id)) source.close();
      else this.#audio.set(id, source);
    }
  }

  /** Starts decoding of what will be seen; a source that is seen already goes on. */
  wake(ids: Iterable<SourceId>): void {
    for (const id of ids) this.#video.get(id)?.setSeen(true);
  }

  /** Drops what is not in `sources`, and lets what is not in `seen` rest. Not while a picture is being drawn. */
  keep(sources: readonly JobSource[], seen: ReadonlySet<SourceId>): void {
    const wanted = new Set(sources.map((source) => source.id));
    for (const [id, source] of this.#video) {
      if (wanted.has(id)) source.setSeen(seen.has(id));
      else {
        source.close();
        this.#video.delete(id);
      }
    }
    for (const [id, source] of this.#audio) {
      if (wanted.has(id)) continue;
      source.close();
      this.#audio.delete(id);
    }
  }

  writeVideo(video: EncodedVideo): void {
    this.#video.get(video.source)?.write(video);
  }

  writeAudio(audio: EncodedAudio): void {
    this.#audio.get(audio.source)?.write(audio);
  }

  /** All sources go on to the program frame at `timeMs`; where `half` is given only every second one, and the others with the other half. */
  show(timeMs: number, framePeriodMs: number, half: 0 | 1 | null = null): void {
    let i = 0;
    for (const source of this.#video.values())
      if (half === null || i++ % 2 === half) source.show(timeMs, framePeriodMs);
  }

  picture(id: SourceId): Picture | null {
    return this.#video.get(id)?.picture ?? null;
  }

  track(id: SourceId): PcmTrack | null {
    return this.#audio.get(id)?.track ?? null;
  }

  stats(): Record<SourceId, DecodeStats> {
    const stats: Record<SourceId, DecodeStats> = {};
    for (const [id, source] of this.#video) stats[id] = source.stats();
    for (const [id, source] of this.#audio) stats[id] = { ...source.stats(), width: 0, height: 0 };
    return stats;
  }

  /** Resolves when no decoder is at work. */
  async settled(): Promise<void> {
    await Promise.all([...this.#video.values()].map((source) => source.settled()));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const source of [...this.#video.values(), ...this.#audio.values()]) source.close();
    this.#video.clear();
    this.#audio.clear();
  }
}
