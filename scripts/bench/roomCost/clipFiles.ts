/**
 * What the rivals play: the simulator's clips as files, the top simulcast layer and the sound, since a program that is given files
 * has no SFU that chooses layers for it. In: ClipStore's packets; out: one WebM a peer.
 */
import { join } from 'node:path';
import {
  AV_CHANNEL_LAYOUT_STEREO,
  AV_CODEC_ID_OPUS,
  AV_CODEC_ID_VP8,
  AV_PIX_FMT_YUV420P,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  FFmpegError,
  FormatContext,
  Packet,
  Rational,
} from 'node-av';
import type { ClipStore } from '../../simulator/clip/ClipStore.ts';
import { FPS } from '../../simulator/clip/frameCode.ts';
import { type EncodedClip, LAYERS } from '../../simulator/clip/makeClip.ts';

/** Of an Opus packet in the clips. */
const OPUS_MS = 20;
/** Matroska's time base. */
const MILLISECONDS = new Rational(1, 1000);
/** Stereo, 48 kHz, pre-skip 312 (RFC 7845 section 5.1). */
const OPUS_HEAD = Buffer.from(`${Buffer.from('OpusHead').toString('hex')}0102380180bb0000000000`, 'hex');

const VIDEO = 0;
const AUDIO = 1;

/** Writes the clips of peers 0 to `peers` − 1, each `seconds` long (a clip that is shorter begins anew); answers their paths. */
export async function writeClipFiles(o: {
  clips: ClipStore;
  folder: string;
  peers: number;
  seconds: number;
}): Promise<string[]> {
  const files: string[] = [];
  for (let peer = 0; peer < o.peers; peer++) {
    const file = join(o.folder, `clip-${peer}.webm`);
    writeClip(await o.clips.get(peer, 'vp8'), file, o.seconds);
    files.push(file);
  }
  return files;
}

/** One clip as a WebM file. */
export function writeClip(clip: EncodedClip, file: string, seconds: number): void {
  const format = new FormatContext();
  FFmpegError.throwIfError(format.allocOutputContext2(null, 'webm', file), file);
  addStreams(format);
  FFmpegError.throwIfError(format.openOutputSync(), file);
  FFmpegError.throwIfError(format.writeHeaderSync(null), file);
  const packet = new Packet();
  packet.alloc();
  const write = (stream: number, data: Buffer, key: boolean, atMs: number) => {
    packet.data = data;
    packet.streamIndex = stream;
    packet.pts = BigInt(Math.round(atMs));
    packet.dts = packet.pts;
    packet.isKeyframe = key;
    FFmpegError.throwIfError(format.writeFrameSync(packet), file);
    packet.unref();
  };
  const video = clip.video[LAYERS.length - 1]?.[0] ?? [];
  let sounds = 0;
  for (let n = 0; n < seconds * FPS; n++) {
    const atMs = (n * 1000) / FPS;
    for (; sounds * OPUS_MS < ((n + 1) * 1000) / FPS; sounds++) {
      const sound = clip.audio[sounds % clip.audio.length];
      if (sound) write(AUDIO, sound, true, sounds * OPUS_MS);
    }
    const picture = video[n % video.length];
    if (picture) write(VIDEO, picture.data, picture.key, atMs);
  }
  FFmpegError.throwIfError(format.writeTrailerSync(), file);
  packet.free();
  format.closeOutputSync();
  format.freeContext();
}

function addStreams(format: FormatContext): void {
  const { width, height } = LAYERS[LAYERS.length - 1] ?? { width: 0, height: 0 };
  const video = format.newStream(null);
  video.timeBase = MILLISECONDS;
  video.codecpar.codecType = AVMEDIA_TYPE_VIDEO;
  video.codecpar.codecId = AV_CODEC_ID_VP8;
  video.codecpar.format = AV_PIX_FMT_YUV420P;
  video.codecpar.width = width;
  video.codecpar.height = height;
  video.avgFrameRate = new Rational(FPS, 1);
  const audio = format.newStream(null);
  audio.timeBase = MILLISECONDS;
  audio.codecpar.codecType = AVMEDIA_TYPE_AUDIO;
  audio.codecpar.codecId = AV_CODEC_ID_OPUS;
  audio.codecpar.sampleRate = 48_000;
  audio.codecpar.channelLayout = AV_CHANNEL_LAYOUT_STEREO;
  audio.codecpar.extradata = OPUS_HEAD;
}
