/**
 * All encoders of a broadcast and the parts they fill. In: the canvas for each video frame, samples for each AAC frame;
 * out: parts to a PartSink. Each smaller rendition is scaled from the canvas once; sound is encoded once for all.
 */
import { AV_PIX_FMT_YUV420P, type Frame } from 'node-av';
import type { Logger } from '../../src/common/logger.ts';
import { AAC_FRAME_SAMPLES, type Grid } from '../../src/contracts/grid.ts';
import type { AudioRendition, EncoderSettings, Job, VideoRendition } from '../../src/contracts/job.ts';
import type { PartSink } from '../output/PartSink.ts';
import { RenditionWriter } from '../output/RenditionWriter.ts';
import type { ProgramTap } from '../return/ProgramTap.ts';
import { AAC_PRIMING_FRAMES, AudioEncoder } from './AudioEncoder.ts';
import { pictureFormatOf } from './codecs.ts';
import { audioFragmenter, silenceOf, videoFragmenter } from './fragmenters.ts';
import { openVideoEncoders } from './openVideoEncoders.ts';
import { PictureScaler } from './PictureScaler.ts';
import type { VideoEncoder } from './VideoEncoder.ts';

interface VideoOutput {
  rendition: VideoRendition;
  encoder: VideoEncoder;
  writer: RenditionWriter;
  /** null: the encoder is given the canvas itself. */
  scaler: PictureScaler | null;
  /** Sees each packet before it is written. */
  tap: ProgramTap | undefined;
}

export class ProgramEncoder {
  /** The job's, with the codec that is really used. */
  readonly settings: EncoderSettings;
  readonly #video: VideoOutput[];
  readonly #audioEncoder: AudioEncoder;
  readonly #audioWriter: RenditionWriter;

  private constructor(
    settings: EncoderSettings,
    video: VideoOutput[],
    audioEncoder: AudioEncoder,
    audioWriter: RenditionWriter,
  ) {
    this.settings = settings;
    this.#video = video;
    this.#audioEncoder = audioEncoder;
    this.#audioWriter = audioWriter;
  }

  /** `tap` sees what the largest rendition is encoded to. */
  static async create(job: Job, sink: PartSink, logger: Logger, tap?: ProgramTap): Promise<ProgramEncoder> {
    const { grid, firstSegment } = job;
    const { video: canvas, videos, audio } = sortRenditions(job.renditions);
    const { settings, encoders } = await openVideoEncoders(videos, job, logger);
    const format = pictureFormatOf(settings.codec);
    const audioEncoder = await AudioEncoder.create(audio, grid.sampleRate);
    const writerOf = (rendition: VideoRendition | AudioRendition) => ({ rendition, grid, sink, firstSegment });
    const outputs = encoders.map((encoder, i) => {
      const rendition = videos[i] ?? canvas;
      const fragmenter = videoFragmenter(encoder, rendition, grid, firstSegment);
      const writer = new RenditionWriter({ ...writerOf(rendition), fragmenter });
      const asItIs = rendition === canvas && format === AV_PIX_FMT_YUV420P;
      const scaler = asItIs ? null : new PictureScaler(canvas, rendition, format);
      if (i === 0) tap?.begin(grid.fps, encoder.parameters());
      return { rendition, encoder, writer, scaler, tap: i === 0 ? tap : undefined };
    });
    const fragmenter = audioFragmenter(audioEncoder, audio, grid, firstSegment);
    const audioWriter = new RenditionWriter({ ...writerOf(audio), fragmenter });
    return new ProgramEncoder(settings, outputs, audioEncoder, audioWriter);
  }

  /** Puts each rendition's init segment, and the silence; resolves when all are taken. The slate comes from a SlateMaker. */
  async putInits({ grid, renditions }: Job, sink: PartSink): Promise<void> {
    const { audio } = sortRenditions(renditions);
    await Promise.all([
      ...this.#video.map(({ rendition, writer }) => sink.putInit(rendition.id, writer.init)),
      sink.putInit(audio.id, this.#audioWriter.init),
    ]);
    await sink.putSlate(audio.id, await silenceOf(audio, grid));
  }

  /** The number of the first AAC frame to give: some before the first that is put. */
  get firstAudioFrame(): number {
    return this.#audioWriter.first - AAC_PRIMING_FRAMES;
  }

  /** Bytes of all parts until now. */
  get bytes(): number {
    return this.#audioWriter.bytes + this.#video.reduce((sum, { writer }) => sum + writer.bytes, 0);
  }

  /** The newest segment that is whole in every rendition; null before the first. */
  get lastSegment(): number | null {
    const all = [this.#audioWriter, ...this.#video.map((output) => output.writer)].map((writer) => writer.lastSegment);
    return all.reduce((a, b) => (a === null || b === null ? null : Math.min(a, b)));
  }

  /**
   * Encodes the canvas as frame `number` in all video renditions, side by side on the thread pool. `fresh`: it is another picture than
   * the last time. When one fails, this waits for the others before it throws.
   */
  async encodeVideo(canvas: Frame, number: number, fresh = true): Promise<void> {
    const done = await Promise.allSettled(
      this.#video.map(async ({ encoder, writer, scaler, tap }) => {
        const picture = scaler ? await scaler.scale(canvas, fresh) : canvas;
        for (const packet of await encoder.encode(picture, number)) {
          tap?.video(packet);
          writer.write(packet, Number(packet.pts));
        }
      }),
    );
    for (const result of done) if (result.status === 'rejected') throw result.reason;
  }

  /** Encodes the samples of AAC frame `number`. */
  encodeAudio(number: number, { left, right }: { left: Float32Array; right: Float32Array }): void {
    for (const packet of this.#audioEncoder.encode(number, left, right)) {
      this.#audioWriter.write(packet, Number(packet.pts) / AAC_FRAME_SAMPLES);
    }
  }

  /** Not while `encodeVideo` runs. */
  close(): void {
    for (const { encoder, writer, scaler } of this.#video) {
      writer.close();
      encoder.close();
      scaler?.close();
    }
    this.#audioWriter.close();
    this.#audioEncoder.close();
  }
}

/** `video` is the largest, and the size of the canvas; `videos` are all, the largest first. */
export function sortRenditions(renditions: Job['renditions']): {
  video: VideoRendition;
  videos: VideoRendition[];
  audio: AudioRendition;
} {
  const videos = renditions.filter((rendition) => rendition.kind === 'video');
  const audios = renditions.filter((rendition) => rendition.kind === 'audio');
  videos.sort((a, b) => b.width * b.height - a.width * a.height);
  const [video] = videos;
  const [audio] = audios;
  const ids = new Set(renditions.map((rendition) => rendition.id));
  if (!video || !audio || audios.length !== 1 || ids.size !== renditions.length)
    throw new Error('a program has video renditions with different names, and a0');
  return { video, videos, audio };
}

/** Program time at which the samples of AAC frame `number` are over, ms. */
export const audioFrameEndMs = (grid: Grid, number: number): number =>
  ((number + 1) * AAC_FRAME_SAMPLES * 1000) / grid.sampleRate;
