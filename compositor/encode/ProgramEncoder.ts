/**
 * All encoders of a broadcast and the parts they fill. In: the canvas for each video frame, samples for each AAC frame;
 * out: parts to a PartSink. One video rendition and `a0` now; further video renditions are one more entry in `#video`,
 * scaled from the canvas once each.
 */
import type { Frame } from 'node-av';
import { AAC_FRAME_SAMPLES, type Grid } from '../../src/contracts/grid.ts';
import type { AudioRendition, Job, VideoRendition } from '../../src/contracts/job.ts';
import type { PartSink } from '../output/PartSink.ts';
import { RenditionWriter } from '../output/RenditionWriter.ts';
import { AAC_PRIMING_FRAMES, AudioEncoder } from './AudioEncoder.ts';
import { audioFragmenter, silenceOf, videoFragmenter } from './fragmenters.ts';
import { VideoEncoder } from './VideoEncoder.ts';

interface VideoOutput {
  rendition: VideoRendition;
  encoder: VideoEncoder;
  writer: RenditionWriter;
}

export class ProgramEncoder {
  readonly #video: VideoOutput[];
  readonly #audioEncoder: AudioEncoder;
  readonly #audioWriter: RenditionWriter;

  private constructor(video: VideoOutput[], audioEncoder: AudioEncoder, audioWriter: RenditionWriter) {
    this.#video = video;
    this.#audioEncoder = audioEncoder;
    this.#audioWriter = audioWriter;
  }

  static async create(
    { grid, encoder: settings, renditions, firstSegment }: Job,
    sink: PartSink,
  ): Promise<ProgramEncoder> {
    const { video, audio } = sortRenditions(renditions);
    const encoder = await VideoEncoder.create(video, grid, settings);
    const audioEncoder = await AudioEncoder.create(audio, grid.sampleRate);
    const writerOf = (rendition: VideoRendition | AudioRendition) => ({ rendition, grid, sink, firstSegment });
    const videoWriter = new RenditionWriter({
      ...writerOf(video),
      fragmenter: videoFragmenter(encoder, video, grid, firstSegment),
    });
    const audioWriter = new RenditionWriter({
      ...writerOf(audio),
      fragmenter: audioFragmenter(audioEncoder, audio, grid, firstSegment),
    });
    return new ProgramEncoder([{ rendition: video, encoder, writer: videoWriter }], audioEncoder, audioWriter);
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

  /** Encodes the canvas as frame `number` in all video renditions. */
  async encodeVideo(canvas: Frame, number: number): Promise<void> {
    for (const { encoder, writer } of this.#video) {
      for (const packet of await encoder.encode(canvas, number)) writer.write(packet, Number(packet.pts));
    }
  }

  /** Encodes the samples of AAC frame `number`. */
  encodeAudio(number: number, { left, right }: { left: Float32Array; right: Float32Array }): void {
    for (const packet of this.#audioEncoder.encode(number, left, right)) {
      this.#audioWriter.write(packet, Number(packet.pts) / AAC_FRAME_SAMPLES);
    }
  }

  /** Not while `encodeVideo` runs. */
  close(): void {
    for (const { encoder, writer } of this.#video) {
      writer.close();
      encoder.close();
    }
    this.#audioWriter.close();
    this.#audioEncoder.close();
  }
}

export function sortRenditions(renditions: Job['renditions']): { video: VideoRendition; audio: AudioRendition } {
  const video = renditions.filter((rendition) => rendition.kind === 'video');
  const audio = renditions.filter((rendition) => rendition.kind === 'audio');
  const [onlyVideo] = video;
  const [onlyAudio] = audio;
  if (!onlyVideo || !onlyAudio || renditions.length !== 2) throw new Error('a program has one video rendition and a0');
  return { video: onlyVideo, audio: onlyAudio };
}

/** Program time at which the samples of AAC frame `number` are over, ms. */
export const audioFrameEndMs = (grid: Grid, number: number): number =>
  ((number + 1) * AAC_FRAME_SAMPLES * 1000) / grid.sampleRate;
