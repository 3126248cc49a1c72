/**
 * Captions of a recording. In: the lines that the archive was left (BroadcastArchive.ts). Out: of each language in which something was said one WebVTT
 * file, and a media playlist of it: SUBTITLES of a VOD may have a target duration of their own (RFC 8216bis section 6.2.4). Next: finishRecording.ts.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../common/writeFileAtomic.ts';
import { CaptionLine, type CaptionTracks } from '../../contracts/captions.ts';
import type { ArchiveManifest } from '../archive/ArchiveManifest.ts';
import { CAPTIONS_FILE, VTT_FILE } from '../archive/names.ts';
import { cuesBetween } from '../captions/cues.ts';
import { renderVtt } from '../captions/webvtt.ts';
import { captionsPath } from '../hls/multivariant.ts';
import { durationSeconds, type RecordingPlan, startSeconds } from './RecordingPlan.ts';
import { renderVodPlaylist } from './vodPlaylists.ts';

/** The tracks that there are, and their files, those that name others last. Throws what the disk does. */
export async function recordCaptions(
  folder: string,
  manifest: ArchiveManifest,
  plan: RecordingPlan,
): Promise<{ tracks: CaptionTracks; names: string[] }> {
  const { grid, epoch } = manifest;
  const lines = await linesOf(folder);
  const seconds = durationSeconds(grid, plan);
  const from = startSeconds(grid, plan) * 1000;
  const tracks: CaptionTracks = [];
  const names: string[] = [];
  for (const track of manifest.captions) {
    const own = lines.filter(({ language }) => language === track.language);
    const cues = cuesBetween(own, { grid, from, to: from + seconds * 1000, whole: true });
    if (cues.length === 0) continue;
    const path = captionsPath(track.language);
    await mkdir(join(folder, path), { recursive: true });
    await writeFileAtomic(join(folder, path, VTT_FILE), renderVtt(cues));
    const playlist = renderVodPlaylist({
      ...{ grid, rendition: 'captions', epoch, initName: null },
      segments: [{ number: plan.first, seconds, missing: false, name: VTT_FILE }],
    });
    await writeFileAtomic(join(folder, path, 'index.m3u8'), playlist);
    tracks.push(track);
    names.push(`${path}/${VTT_FILE}`, `${path}/index.m3u8`);
  }
  return { tracks, names };
}

async function linesOf(folder: string): Promise<CaptionLine[]> {
  try {
    return z.array(CaptionLine).parse(JSON.parse(await readFile(join(folder, CAPTIONS_FILE), 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
