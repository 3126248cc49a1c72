/** A media file or URL → its packets' times, its pictures, its sound, by node-av. Times are the container's, untouched. */
import {
  AV_SAMPLE_FMT_FLTP,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  Codec,
  CodecContext,
  Dictionary,
  FFmpegError,
  FormatContext,
  Frame,
  Packet,
  type Stream,
} from 'node-av';
import type { Picture } from './readTile.ts';
import type { Span } from './timeline.ts';
import type { Sound } from './tones.ts';

export interface DecodeOptions {
  /** Each picture, in presentation order; it is gone when the call returns. */
  onPicture?: (picture: Picture, at: number) => void;
  /** Ends the reading after this many seconds of media: for live URLs. */
  seconds?: number;
  /** libavformat's input options. */
  options?: Record<string, string>;
}

export interface Decoded {
  /** Packets in the order in which they stand in the file; times in seconds. */
  video: { packets: Span[]; keyFrames: number[]; width: number; height: number } | null;
  audio: { packets: Span[]; sound: Sound; gaps: number } | null;
}

interface Track {
  stream: Stream;
  kind: 'video' | 'audio';
  decoder: CodecContext;
  packets: Span[];
  keyFrames: number[];
  pieces: { at: number; samples: Float32Array }[];
}

const PACKET_KEY_FLAG = 1;

export async function decodeMedia(input: string, settings: DecodeOptions = {}): Promise<Decoded> {
  const format = new FormatContext();
  FFmpegError.throwIfError(
    await format.openInput(input, null, settings.options ? Dictionary.fromObject(settings.options) : null),
    `open ${input}`,
  );
  const packet = new Packet();
  const frame = new Frame();
  const tracks = new Map<number, Track>();
  try {
    FFmpegError.throwIfError(await format.findStreamInfo(null), `read ${input}`);
    for (const stream of format.streams ?? []) {
      const track = await openTrack(stream);
      if (track) tracks.set(stream.index, track);
    }
    packet.alloc();
    frame.alloc();
    let first: number | undefined;
    while ((await format.readFrame(packet)) >= 0) {
      const track = tracks.get(packet.streamIndex);
      if (track) {
        const at = seconds(track, packet.pts);
        first ??= at;
        if (settings.seconds !== undefined && at - first > settings.seconds) break;
        track.packets.push({ at, duration: seconds(track, packet.duration) });
        if (packet.flags & PACKET_KEY_FLAG) track.keyFrames.push(at);
        await decode(track, packet, frame, settings);
      }
      packet.unref();
    }
    for (const track of tracks.values()) await decode(track, null, frame, settings);
    return collect([...tracks.values()]);
  } finally {
    for (const track of tracks.values()) track.decoder.freeContext();
    frame.free();
    packet.free();
    await format.closeInput();
  }
}

function seconds(track: Track, ticks: bigint): number {
  const { num, den } = track.stream.timeBase;
  return (Number(ticks) * num) / den;
}

async function openTrack(stream: Stream): Promise<Track | null> {
  const { codecType, codecId } = stream.codecpar;
  if (codecType !== AVMEDIA_TYPE_VIDEO && codecType !== AVMEDIA_TYPE_AUDIO) return null;
  const codec = Codec.findDecoder(codecId);
  if (!codec) throw new Error(`no decoder for codec ${codecId}`);
  const decoder = new CodecContext();
  decoder.allocContext3(codec);
  FFmpegError.throwIfError(decoder.parametersToContext(stream.codecpar), 'decoder');
  decoder.pktTimebase = stream.timeBase;
  decoder.threadCount = 1;
  FFmpegError.throwIfError(await decoder.open2(codec, null), 'decoder');
  const kind = codecType === AVMEDIA_TYPE_VIDEO ? 'video' : 'audio';
  return { stream, kind, decoder, packets: [], keyFrames: [], pieces: [] };
}

async function decode(track: Track, packet: Packet | null, frame: Frame, { onPicture }: DecodeOptions): Promise<void> {
  if (track.kind === 'video' && !onPicture) return;
  FFmpegError.throwIfError(await track.decoder.sendPacket(packet), `decode ${track.kind}`);
  for (;;) {
    const code = await track.decoder.receiveFrame(frame);
    if (code === AVERROR_EAGAIN || code === AVERROR_EOF) return;
    FFmpegError.throwIfError(code, `decode ${track.kind}`);
    const at = seconds(track, frame.pts);
    const planes = frame.data ?? [];
    if (track.kind === 'audio') track.pieces.push({ at, samples: firstChannel(frame, planes) });
    else onPicture?.({ width: frame.width, height: frame.height, planes, strides: frame.linesize }, at);
    frame.unref();
  }
}

/** AAC and Opus decode to planar floats. The simulator's sound is the same on both channels. */
function firstChannel(frame: Frame, planes: Buffer[]): Float32Array {
  if (frame.format !== AV_SAMPLE_FMT_FLTP) throw new Error(`sample format ${frame.format} is not planar float`);
  const plane = planes[0];
  if (!plane) throw new Error('no samples');
  return new Float32Array(plane.buffer.slice(plane.byteOffset, plane.byteOffset + frame.nbSamples * 4));
}

function collect(tracks: Track[]): Decoded {
  const video = tracks.find((track) => track.kind === 'video');
  const audio = tracks.find((track) => track.kind === 'audio');
  return {
    video: video
      ? {
          packets: video.packets,
          keyFrames: video.keyFrames,
          width: video.stream.codecpar.width,
          height: video.stream.codecpar.height,
        }
      : null,
    audio: audio ? { packets: audio.packets, ...joinSound(audio) } : null,
  };
}

/** All pieces in one row at their own times; what lies between pieces stays silent, and is counted. */
function joinSound(track: Track): { sound: Sound; gaps: number } {
  const { sampleRate } = track.stream.codecpar;
  const start = track.pieces[0]?.at ?? 0;
  const place = (at: number) => Math.round((at - start) * sampleRate);
  const last = track.pieces.at(-1);
  const samples = new Float32Array(last ? Math.max(0, place(last.at)) + last.samples.length : 0);
  let gaps = 0;
  let end = 0;
  for (const piece of track.pieces) {
    const from = place(piece.at);
    // FLV's times are whole milliseconds.
    if (Math.abs(from - end) > sampleRate / 500) gaps++;
    if (from >= 0) samples.set(piece.samples.subarray(0, samples.length - from), from);
    end = from + piece.samples.length;
  }
  return { sound: { samples, sampleRate, start }, gaps };
}
