/**
 * The floor, a process of its own: encodes a finished program and does nothing else. In: the recorded tracks of a program
 * (`node floor.ts VIDEO AUDIO SECONDS`); out: one line of JSON, `{cpuSeconds, videoFrames, audioFrames, bytes}`.
 *
 * It holds one segment of pictures at a time. Decoding them is outside of what is measured; then the segment is encoded in real time,
 * as all that it is compared with is, by the compositor's own VideoEncoder and AudioEncoder, so that the settings are the same.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  AV_LOG_QUIET,
  AVMEDIA_TYPE_VIDEO,
  Codec,
  CodecContext,
  FFmpegError,
  FormatContext,
  Frame,
  Log,
  Packet,
} from 'node-av';
import { AudioEncoder } from '../../../compositor/encode/AudioEncoder.ts';
import { VideoEncoder } from '../../../compositor/encode/VideoEncoder.ts';
import { AAC_FRAME_SAMPLES, Grid } from '../../../src/contracts/grid.ts';
import { EncoderSettings } from '../../../src/contracts/job.ts';
import { decodeMedia } from '../../../test/support/program/decodeMedia.ts';
import { PROGRAM } from './rivals.ts';

const { width, height, fps, videoKbps, audioKbps } = PROGRAM;
const grid = Grid.parse({ fps, framesPerSegment: PROGRAM.gop });

export interface FloorResult {
  cpuSeconds: number;
  videoFrames: number;
  audioFrames: number;
  bytes: number;
}

class Floor {
  readonly result: FloorResult = { cpuSeconds: 0, videoFrames: 0, audioFrames: 0, bytes: 0 };
  readonly #video: VideoEncoder;
  readonly #audio: AudioEncoder;
  readonly #sound: Float32Array;

  constructor(video: VideoEncoder, audio: AudioEncoder, sound: Float32Array) {
    this.#video = video;
    this.#audio = audio;
    this.#sound = sound;
  }

  /** Encodes these pictures, one each frame period, and the sound that belongs to them. */
  async encode(pictures: readonly Frame[]): Promise<void> {
    const [begunAt, cpu] = [performance.now(), process.cpuUsage()];
    for (const [i, picture] of pictures.entries()) {
      const missingMs = begunAt + (i * 1000) / fps - performance.now();
      if (missingMs > 0) await delay(missingMs);
      for (const packet of await this.#video.encode(picture, this.result.videoFrames++)) {
        this.result.bytes += packet.size;
        packet.free();
      }
      this.#encodeSound();
    }
    const { user, system } = process.cpuUsage(cpu);
    this.result.cpuSeconds += (user + system) / 1e6;
  }

  #encodeSound(): void {
    const until = (this.result.videoFrames * grid.sampleRate) / fps;
    for (;;) {
      const from = this.result.audioFrames * AAC_FRAME_SAMPLES;
      const samples = this.#sound.slice(from, from + AAC_FRAME_SAMPLES);
      if (from + AAC_FRAME_SAMPLES > until || samples.length < AAC_FRAME_SAMPLES) return;
      for (const packet of this.#audio.encode(this.result.audioFrames, samples, samples)) {
        this.result.bytes += packet.size;
        packet.free();
      }
      this.result.audioFrames++;
    }
  }
}

/** The pictures of a file in order; whoever takes one frees it. */
async function* picturesOf(file: string): AsyncGenerator<Frame> {
  const format = new FormatContext();
  FFmpegError.throwIfError(await format.openInput(file, null, null), file);
  FFmpegError.throwIfError(await format.findStreamInfo(null), file);
  const stream = format.streams?.find(({ codecpar }) => codecpar.codecType === AVMEDIA_TYPE_VIDEO);
  const codec = stream && Codec.findDecoder(stream.codecpar.codecId);
  if (!codec) throw new Error(`${file} has no video`);
  const decoder = new CodecContext();
  decoder.allocContext3(codec);
  decoder.parametersToContext(stream.codecpar);
  decoder.threadCount = 1;
  FFmpegError.throwIfError(await decoder.open2(codec, null), file);
  const packet = new Packet();
  packet.alloc();
  for (;;) {
    const ended = format.readFrameSync(packet) < 0;
    FFmpegError.throwIfError(decoder.sendPacketSync(ended ? null : packet), file);
    packet.unref();
    for (;;) {
      const frame = new Frame();
      frame.alloc();
      if (decoder.receiveFrameSync(frame) < 0) {
        frame.free();
        break;
      }
      yield frame;
    }
    if (ended) return;
  }
}

async function main([videoFile = '', audioFile = '', seconds = '0']: string[]): Promise<void> {
  Log.setLevel(AV_LOG_QUIET);
  const sound = (await decodeMedia(audioFile)).audio?.sound.samples ?? new Float32Array();
  const rendition = { id: 'v720', kind: 'video', width, height, bitrate: videoKbps * 1000 } as const;
  const floor = new Floor(
    await VideoEncoder.create(rendition, grid, EncoderSettings.parse({})),
    await AudioEncoder.create({ id: 'a0', kind: 'audio', bitrate: audioKbps * 1000 }, grid.sampleRate),
    sound,
  );
  let segment: Frame[] = [];
  for await (const picture of picturesOf(videoFile)) {
    segment.push(picture);
    if (segment.length < grid.framesPerSegment) continue;
    await floor.encode(segment);
    for (const frame of segment) frame.free();
    segment = [];
    if (floor.result.videoFrames >= Number(seconds) * fps) break;
  }
  console.log(JSON.stringify(floor.result));
}

await main(process.argv.slice(2));
// Decoders and encoders go with the process.
process.exit(0);
