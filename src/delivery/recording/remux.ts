/**
 * One MP4 of a recording: the best video and the sound, as they are, with its index in front (faststart). In: segment files, interleaved
 * into one fragmented MP4 on ffmpeg's stdin, so that both tracks keep their places on the grid. Out: a file that is there when it is whole.
 */
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { RenditionId } from '../../contracts/ids.ts';
import { wholeName } from '../archive/names.ts';
import { newFfmpegCommand, runFfmpeg } from '../ffmpegCommand.ts';
import { asTrack } from '../mp4/fragment.ts';
import { mergeInits } from '../mp4/initSegment.ts';
import { type RecordingPlan, segmentsOf } from './RecordingPlan.ts';

export interface RemuxOptions {
  ffmpegPath: string;
  /** Of the broadcast's files. */
  folder: string;
  plan: RecordingPlan;
  video: { id: RenditionId; init: Buffer };
  audio: { id: RenditionId; init: Buffer };
  target: string;
  signal: AbortSignal;
}

export async function remux(options: RemuxOptions): Promise<void> {
  const { ffmpegPath, target, signal } = options;
  const unfinished = `${target}.unfinished`;
  const command = newFfmpegCommand(ffmpegPath, Readable.from(interleaved(options)), { lowPriority: true })
    .inputFormat('mp4')
    .inputOptions(['-hide_banner', '-loglevel error', '-nostats', '-protocol_whitelist pipe'])
    .outputOptions(['-map 0:v:0', '-map 0:a:0', '-c copy', '-movflags +faststart', '-y'])
    .outputOptions('-protocol_whitelist', 'file')
    .format('mp4')
    .output(unfinished);
  try {
    await runFfmpeg(command, { signal });
    await rename(unfinished, target);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function* interleaved({ folder, plan, video, audio }: RemuxOptions): AsyncGenerator<Buffer> {
  yield mergeInits(video.init, audio.init);
  let sequence = 1;
  for (const number of segmentsOf(plan)) {
    if (plan.missing.has(number)) continue;
    for (const [track, { id }] of [video, audio].entries())
      yield asTrack(await readFile(join(folder, id, wholeName(number))), track + 1, sequence++);
  }
}
