/**
 * One further rendition of a recording. In: its MP4, on ffmpeg's stdin. Out: files like those of the other renditions, on the same grid:
 * `vH/init-HASH.mp4`, `vH/K.m4s`, `vH/index.m3u8`.
 */
import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { writeFileAtomic } from '../../common/writeFileAtomic.ts';
import { VIDEO_TIMESCALE } from '../../contracts/grid.ts';
import type { RenditionId } from '../../contracts/ids.ts';
import { wholeName } from '../archive/names.ts';
import { newFfmpegCommand, runFfmpeg } from '../ffmpegCommand.ts';
import { retime, summarise } from '../mp4/fragment.ts';
import { parseInit } from '../mp4/initSegment.ts';
import { readFragments } from '../mp4/readFragments.ts';
import type { RecordedTrack, RecordingRecord } from './RecordingRecord.ts';
import { ratesOf, renderVodPlaylist, type VodSegment } from './vodPlaylists.ts';

/** Live programs have veryfast; there is more time here, and the result is kept. */
const PRESET = 'medium';

export interface TranscodeOptions {
  ffmpegPath: string;
  record: RecordingRecord;
  height: number;
  /** Bits a second. */
  bitrate: number;
  mp4: Readable;
  /** Its own; what is in it is removed first. */
  folder: string;
  signal: AbortSignal;
  /** 0 to 1. */
  onProgress: (done: number) => void;
}

export interface TranscodedRendition {
  track: RecordedTrack;
  size: { width: number; height: number };
  /** Relative to the folder. */
  names: string[];
}

export async function transcode(options: TranscodeOptions): Promise<TranscodedRendition> {
  const { ffmpegPath, record, height, mp4, folder, signal } = options;
  const id: RenditionId = `v${height}`;
  const output = new PassThrough({ highWaterMark: 1024 * 1024 });
  const command = newFfmpegCommand(ffmpegPath, mp4, { lowPriority: true })
    .inputFormat('mp4')
    .inputOptions(['-hide_banner', '-loglevel error', '-nostats', '-protocol_whitelist pipe'])
    .outputOptions([...encoding(options), '-progress', 'pipe:2', '-stats_period', '1'])
    .format('mp4')
    .output(output);
  await rm(join(folder, id), { recursive: true, force: true });
  await mkdir(join(folder, id), { recursive: true });
  const cut = cutSegments(output, join(folder, id), record);
  // Whichever fails: neither is left alone.
  cut.catch(() => output.destroy());
  try {
    await runFfmpeg(command, {
      signal,
      onProgress: (seconds) => options.onProgress(Math.min(1, seconds / Math.max(1, record.durationSeconds))),
    });
  } catch (error) {
    output.destroy();
    await cut.catch(() => undefined);
    throw error;
  }
  const { init, initName, segments } = await cut;
  const grid = {
    fps: record.fps,
    framesPerSegment: record.framesPerSegment,
    framesPerPart: 1,
    sampleRate: 48_000 as const,
  };
  const playlist = renderVodPlaylist({ grid, rendition: id, epoch: record.epoch, initName, segments });
  await writeFileAtomic(join(folder, id, 'index.m3u8'), playlist);
  const { codec, width } = init;
  return {
    track: { id, codec, width, height: init.height, channels: 0, ...ratesOf(segments) },
    size: { width, height: init.height },
    names: [initName, ...segments.map(({ number }) => wholeName(number)), 'index.m3u8'].map((name) => `${id}/${name}`),
  };
}

function encoding({ record, height, bitrate }: TranscodeOptions): string[] {
  const best = record.renditions[0] ?? { width: 16, height: 9 };
  // `height` is of the shorter side.
  const scale = best.height <= best.width ? `scale=-2:${height}` : `scale=${height}:-2`;
  const gop = String(record.framesPerSegment);
  return [
    ...['-map', '0:v:0', '-an', '-vf', `${scale}:flags=bicubic,fps=${record.fps}`, '-pix_fmt', 'yuv420p'],
    ...['-c:v', 'libx264', '-preset', PRESET, '-profile:v', 'main', '-bf', '0', '-threads', '1'],
    ...['-b:v', String(bitrate), '-maxrate', String(Math.round(bitrate * 1.25)), '-bufsize', String(bitrate * 2)],
    // One closed GOP a segment, as live.
    ...['-g', gop, '-keyint_min', gop, '-sc_threshold', '0', '-flags', '+cgop'],
    ...['-video_track_timescale', String(VIDEO_TIMESCALE), '-use_editlist', '0'],
    ...['-movflags', '+frag_keyframe+empty_moov+default_base_moof+cmaf+skip_trailer'],
  ];
}

interface CutSegments {
  init: ReturnType<typeof parseInit>;
  initName: string;
  segments: (VodSegment & { bytes: number })[];
}

/** Each fragment is a segment; it is put where the recording's other renditions have it. */
async function cutSegments(output: Readable, folder: string, record: RecordingRecord): Promise<CutSegments> {
  let init: CutSegments['init'] | undefined;
  let initName = '';
  const segments: CutSegments['segments'] = [];
  for await (const { kind, bytes } of readFragments(output)) {
    if (kind === 'init') {
      init = parseInit(bytes);
      initName = `init-${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}.mp4`;
      await writeFileAtomic(join(folder, initName), bytes);
      continue;
    }
    if (!init) throw new Error('a fragment came before its init segment');
    const number = record.firstSegment + segments.length;
    const found = summarise(bytes, init);
    retime(bytes, (number * record.framesPerSegment * init.timescale) / record.fps);
    await writeFileAtomic(join(folder, wholeName(number)), bytes);
    segments.push({ number, seconds: found.duration / init.timescale, missing: false, bytes: bytes.length });
  }
  if (!init || segments.length === 0) throw new Error('ffmpeg made nothing');
  return { init, initName, segments };
}
