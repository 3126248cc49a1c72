/**
 * From the segments of a broadcast that is over to a recording. In: the archive's folder. Out: in the same folder whole segments, VOD
 * playlists, `program.mp4`, poster and thumbnails. Next: storeFiles.ts. Each step does nothing twice, so that it can begin anew after a crash.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../common/logger.ts';
import { writeFileAtomic } from '../../common/writeFileAtomic.ts';
import type { CaptionTracks } from '../../contracts/captions.ts';
import { isGridAudio } from '../../contracts/grid.ts';
import type { RenditionId } from '../../contracts/ids.ts';
import type { ArchiveManifest } from '../archive/ArchiveManifest.ts';
import { wholeName } from '../archive/names.ts';
import { type ScannedArchive, type StoredInit, scanArchive } from '../archive/scanArchive.ts';
import { renderMultivariant } from '../hls/multivariant.ts';
import { fillHoles } from './fillHoles.ts';
import { durationSeconds, type RecordingPlan, recordedSeconds, segmentsOf } from './RecordingPlan.ts';
import type { RecordedTrack } from './RecordingRecord.ts';
import { recordCaptions } from './recordedCaptions.ts';
import { makePictures } from './recordingPictures.ts';
import { remux } from './remux.ts';
import { ratesOf, renderVodPlaylist, type VodSegment } from './vodPlaylists.ts';

export const MULTIVARIANT_FILE = 'index.m3u8';
export const MP4_FILE = 'program.mp4';

export interface FinishOptions {
  folder: string;
  manifest: ArchiveManifest;
  ffmpegPath: string;
  logger: Logger;
  signal: AbortSignal;
}

export interface FinishedRecording {
  plan: RecordingPlan;
  durationSeconds: number;
  tracks: RecordedTrack[];
  captions: CaptionTracks;
  /** Of the folder; what names others is last. */
  names: string[];
  mp4: boolean;
  pictures: boolean;
  /** What could not be made, in a sentence; else empty. */
  trouble: string;
}

/** null: nothing can be played. Throws what the disk does. */
export async function finishRecording(options: FinishOptions): Promise<FinishedRecording | null> {
  const { folder, manifest } = options;
  const scan = await scanArchive(folder, manifest);
  const plan = await fillHoles({ folder, manifest, scan });
  if (!plan) return null;
  const names: string[] = [];
  const tracks: RecordedTrack[] = [];
  for (const { id } of manifest.renditions) {
    const init = scan.inits.get(id);
    if (!init) return null;
    tracks.push(await writePlaylist(options, plan, id, init, names));
  }
  const trouble: string[] = [];
  const mp4 = await attempt(options, trouble, 'the MP4 could not be made', () => mp4Of(options, plan, scan));
  const pictures = await attempt(options, trouble, 'the pictures could not be made', () =>
    picturesOf(options, plan, scan),
  );
  let captions: CaptionTracks = [];
  const texts = await attempt(options, trouble, 'the captions could not be kept', async () => {
    const recorded = await recordCaptions(folder, manifest, plan);
    captions = recorded.tracks;
    return recorded.names;
  });
  const playlists = manifest.renditions.map(({ id }) => `${id}/index.m3u8`);
  await writeFileAtomic(join(folder, MULTIVARIANT_FILE), multivariantOf(manifest.grid.fps, tracks, captions));
  return {
    plan,
    durationSeconds: durationSeconds(manifest.grid, plan),
    tracks,
    captions,
    names: [...names, ...(mp4 ?? []), ...(pictures ?? []), ...(texts ?? []), ...playlists, MULTIVARIANT_FILE],
    mp4: mp4 !== null,
    pictures: pictures !== null,
    trouble: trouble.join('; '),
  };
}

/** The multivariant playlist of these renditions. */
export function multivariantOf(fps: number, tracks: readonly RecordedTrack[], captions: CaptionTracks = []): string {
  const audio = tracks.find((t) => isGridAudio(t.id));
  if (!audio) throw new Error('a recording has sound');
  const rates = ({ mean, peak }: RecordedTrack) => ({ asked: 0, mean, peak });
  const variants = tracks
    .filter((t) => t !== audio)
    .toSorted((a, b) => b.width * b.height - a.width * a.height)
    .map((t) => ({ id: t.id, width: t.width, height: t.height, fps, codec: t.codec, rates: rates(t) }));
  return renderMultivariant({
    base: '.',
    variants,
    captions,
    audio: { id: audio.id, codec: audio.codec, channels: audio.channels, rates: rates(audio) },
  });
}

async function writePlaylist(
  { folder, manifest }: FinishOptions,
  plan: RecordingPlan,
  rendition: RenditionId,
  init: StoredInit,
  names: string[],
): Promise<RecordedTrack> {
  const { grid, epoch } = manifest;
  const segments: (VodSegment & { bytes: number })[] = [];
  names.push(`${rendition}/${init.name}`);
  for (const number of segmentsOf(plan)) {
    const missing = plan.missing.has(number);
    const name = `${rendition}/${wholeName(number)}`;
    const bytes = missing ? 0 : (await stat(join(folder, name))).size;
    segments.push({ number, seconds: recordedSeconds(grid, plan, rendition, number), missing, bytes });
    if (!missing) names.push(name);
  }
  const text = renderVodPlaylist({ grid, rendition, epoch, initName: init.name, segments });
  await writeFileAtomic(join(folder, rendition, 'index.m3u8'), text);
  const { codec, width, height, channels } = init.info;
  return { id: rendition, codec, width, height, channels, ...ratesOf(segments) };
}

/** What can be done without when it fails: null then. */
async function attempt(
  { logger, signal }: FinishOptions,
  trouble: string[],
  what: string,
  work: () => Promise<string[]>,
): Promise<string[] | null> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    logger.error({ err: error }, what);
    trouble.push(what);
    return null;
  }
}

async function mp4Of(
  { folder, manifest, ffmpegPath, signal }: FinishOptions,
  plan: RecordingPlan,
  scan: ScannedArchive,
): Promise<string[]> {
  const target = join(folder, MP4_FILE);
  const done = await stat(target).catch(() => null);
  if (!done) {
    const { best, audio } = pick(manifest, scan);
    await remux({ ffmpegPath, folder, plan, video: best, audio, target, signal });
  }
  return [MP4_FILE];
}

async function picturesOf(
  { folder, manifest, signal }: FinishOptions,
  plan: RecordingPlan,
  scan: ScannedArchive,
): Promise<string[]> {
  const { best, smallest } = pick(manifest, scan);
  return makePictures({ folder, grid: manifest.grid, plan, best, smallest, signal });
}

interface Picked {
  id: RenditionId;
  init: Buffer;
}

function pick({ renditions }: ArchiveManifest, scan: ScannedArchive): Record<'best' | 'smallest' | 'audio', Picked> {
  const of = (id: RenditionId | undefined): Picked => {
    const init = id === undefined ? undefined : scan.inits.get(id);
    if (id === undefined || !init) throw new Error('a broadcast has video and audio');
    return { id, init: init.bytes };
  };
  const videos = renditions
    .flatMap((r) => (r.kind === 'video' ? [r] : []))
    .toSorted((a, b) => b.width * b.height - a.width * a.height);
  return {
    best: of(videos[0]?.id),
    smallest: of(videos.at(-1)?.id),
    audio: of(renditions.find((r) => r.kind === 'audio')?.id),
  };
}
