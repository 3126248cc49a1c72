/**
 * What lies on the disk of one broadcast, so that whoever finds the folder knows what it is:
 *
 *   segments/BROADCAST/manifest.json                     this, written before the first part
 *   segments/BROADCAST/RENDITION/init-HASH.mp4           the init segment
 *   segments/BROADCAST/RENDITION/slate.m4s               one segment of slate or silence at time 0, to fill holes of a recording with
 *   segments/BROADCAST/RENDITION/K.part.m4s              segment K while parts are appended, or for good when it was lost
 *   segments/BROADCAST/RENDITION/K.m4s                   segment K, whole
 *   segments/BROADCAST/captions.json                     lines of captions, when the broadcast was left or is over
 * A recording that is ended while its broadcast goes on has a folder of its own, `segments/RECORDING/`, of the same form.
 *
 * Nothing else has to be known to go on with a broadcast, or to finish its recording, after a crash: where a part ends is in the
 * file itself (splitParts.ts), since the grid says how many frames it has.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../common/writeFileAtomic.ts';
import { RenditionInput } from '../../contracts/broadcast.ts';
import { CaptionTracks } from '../../contracts/captions.ts';
import { Grid } from '../../contracts/grid.ts';
import { BroadcastId, RecordingId, RoomId, SegmentNumber } from '../../contracts/ids.ts';
import { Rendition } from '../../contracts/job.ts';
import { PlaybackAccess } from '../../contracts/playback.ts';

const FILE = 'manifest.json';

export const ArchiveManifest = z.object({
  version: z.literal(1),
  broadcast: BroadcastId,
  room: RoomId,
  /** Wall clock of frame 0, ms since 1970. */
  epoch: z.number(),
  grid: Grid,
  renditions: z.array(Rendition),
  dvrSeconds: z.int().min(0),
  /** null: the segments are for the time shift only. */
  recording: RecordingId.nullable(),
  /** The first segment that is recorded; what is before it is for the time shift. */
  recordingFrom: SegmentNumber.default(0),
  playback: PlaybackAccess.default('open'),
  captions: CaptionTracks.default([]),
  /** Further renditions that are wanted of a finished recording. */
  transcode: z.array(RenditionInput).default([]),
});
export type ArchiveManifest = z.infer<typeof ArchiveManifest>;

export const archiveRoot = (dataDir: string): string => join(dataDir, 'segments');
/** Of a recording that was ended while its broadcast went on. */
export const carvedFolder = (dataDir: string, recording: RecordingId): string => join(archiveRoot(dataDir), recording);
export const archiveFolder = (dataDir: string, broadcast: BroadcastId): string => join(archiveRoot(dataDir), broadcast);

export async function writeManifest(folder: string, manifest: ArchiveManifest): Promise<void> {
  for (const { id } of manifest.renditions) await mkdir(join(folder, id), { recursive: true });
  await writeFileAtomic(join(folder, FILE), JSON.stringify(manifest));
}

/** null: there is none that we can read; nothing was ever recorded there then. */
export async function readManifest(folder: string): Promise<ArchiveManifest | null> {
  try {
    return ArchiveManifest.parse(JSON.parse(await readFile(join(folder, FILE), 'utf8')));
  } catch {
    return null;
  }
}

/** The folders of all broadcasts that left something behind, with their manifests; those without one are named with null. */
export async function listArchives(dataDir: string): Promise<{ folder: string; manifest: ArchiveManifest | null }[]> {
  const root = archiveRoot(dataDir);
  const names = await readdir(root).catch(() => []);
  return Promise.all(
    names.map(async (name) => ({ folder: join(root, name), manifest: await readManifest(join(root, name)) })),
  );
}
