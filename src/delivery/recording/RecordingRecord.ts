import { z } from 'zod';
import { CaptionTracks, nameOf } from '../../contracts/captions.ts';
import { type Grid, segmentFirstFrame } from '../../contracts/grid.ts';
import { RenditionId } from '../../contracts/ids.ts';
import { Recording, type RecordingStatus } from '../../contracts/recording.ts';
import type { ArchiveManifest } from '../archive/ArchiveManifest.ts';
import { VTT_FILE } from '../archive/names.ts';
import { captionsPath } from '../hls/multivariant.ts';

/** One rendition of a finished recording: what the multivariant playlist says of it. */
export const RecordedTrack = z.object({
  id: RenditionId,
  codec: z.string(),
  /** 0 for audio. */
  width: z.int(),
  height: z.int(),
  /** 0 for video. */
  channels: z.int(),
  /** Bits a second. */
  mean: z.number(),
  peak: z.number(),
});
export type RecordedTrack = z.infer<typeof RecordedTrack>;

/** What is kept of a recording; `toRecording` makes what the API answers of it. */
export const RecordingRecord = Recording.omit({
  ...{ playlist: true, mp4: true, poster: true, thumbnails: true, captions: true },
}).extend({
  /** Where its files are: the storage's name; empty as long as it has none. */
  storage: z.string(),
  fps: z.number(),
  /** Wall clock of frame 0 of the broadcast, ms since 1970. */
  epoch: z.number(),
  /** Which of its files there are. */
  files: z.object({ playlist: z.boolean(), mp4: z.boolean(), poster: z.boolean(), thumbnails: z.boolean() }),
  tracks: z.array(RecordedTrack),
  /** Languages in which there are captions. */
  captionTracks: CaptionTracks.default([]),
  /** Number of its first segment, and lengths of all in frames: what a further rendition has to keep to. */
  firstSegment: z.int(),
  framesPerSegment: z.int(),
});
export type RecordingRecord = z.infer<typeof RecordingRecord>;

export function newRecord({ grid, ...manifest }: ArchiveManifest, id: string): RecordingRecord {
  const video = manifest.renditions.flatMap((r) => (r.kind === 'video' ? [r] : []));
  const best = video.toSorted((a, b) => b.height * b.width - a.height * a.width)[0];
  return {
    id,
    room: manifest.room,
    broadcast: manifest.broadcast,
    state: 'recording',
    complete: true,
    reason: '',
    playback: manifest.playback,
    startedAt: startOf(grid, manifest.epoch, manifest.recordingFrom),
    endedAt: null,
    durationSeconds: 0,
    bytes: 0,
    slateSegments: 0,
    renditions: video.map(({ kind: _, ...rendition }) => rendition),
    transcodes: manifest.transcode.map(({ height, bitrate }) => ({
      height,
      bitrate: bitrate ?? bitrateFor(height, best),
      state: 'queued',
      progress: 0,
      reason: '',
    })),
    storage: '',
    fps: grid.fps,
    epoch: manifest.epoch,
    files: { playlist: false, mp4: false, poster: false, thumbnails: false },
    tracks: [],
    captionTracks: [],
    firstSegment: manifest.recordingFrom,
    framesPerSegment: grid.framesPerSegment,
  };
}

/** As for a rendition of a live program (broadcast/jobs.ts): small pictures need more bits for each pixel. */
function bitrateFor(height: number, best: { width: number; height: number; bitrate: number } | undefined): number {
  if (!best) return 1_000_000;
  const ratio = height / Math.min(best.width, best.height);
  return Math.max(100_000, Math.round((best.bitrate * ratio ** 1.5) / 10_000) * 10_000);
}

/** Frame 0 of the broadcast need not be in it. */
export const startOf = (grid: Grid, epoch: number, firstSegment: number): number =>
  Math.round(epoch + (segmentFirstFrame(grid, firstSegment) * 1000) / grid.fps);

export function toRecording(record: RecordingRecord): Recording {
  const {
    storage: _s,
    fps: _f,
    epoch: _e,
    files,
    tracks: _t,
    captionTracks,
    firstSegment: _n,
    framesPerSegment: _g,
    ...rest
  } = record;
  const path = (there: boolean, name: string): string | null => (there ? `/recordings/${record.id}/${name}` : null);
  return {
    ...rest,
    playlist: path(files.playlist, 'index.m3u8'),
    mp4: path(files.mp4, 'program.mp4'),
    poster: path(files.poster, 'poster.jpg'),
    thumbnails: path(files.thumbnails, 'thumbnails.vtt'),
    captions: captionTracks.map((track) => ({
      ...{ language: track.language, name: nameOf(track) },
      path: `/recordings/${record.id}/${captionsPath(track.language)}/${VTT_FILE}`,
    })),
  };
}

export const toStatus = ({ id, state, complete, reason, startedAt }: RecordingRecord): RecordingStatus => ({
  id,
  state,
  complete,
  reason,
  startedAt,
});

/** What of a recording stays behind when it goes on on another node, as a recording of its own. */
export const beginningOf = (record: RecordingRecord, id: string): RecordingRecord => ({
  ...record,
  ...{ id, state: 'processing', endedAt: Date.now(), complete: false },
  reason: `it goes on as recording ${record.id}: there was no time to move it`,
});

export const isOver = ({ state }: RecordingRecord): boolean =>
  state === 'finished' || state === 'incomplete' || state === 'failed';
