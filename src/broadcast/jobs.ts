/** Pure: what a room is and what the compositor is connected to → the job. */
import type { BroadcastInput } from '../contracts/broadcast.ts';
import type { DegradationStep } from '../contracts/degradation.ts';
import type { Grid } from '../contracts/grid.ts';
import {
  type EncoderSettings,
  type Job,
  type JobPeer,
  type JobSource,
  MAX_SEATS,
  type Rendition,
  type VideoCodec,
  type VideoRendition,
} from '../contracts/job.ts';
import type { Scene } from '../contracts/scene.ts';
import { askedSizes, type Size } from '../layout/askedSizes.ts';
import { arrange, type Composition } from '../layout/tiles.ts';

/** Segments of 2 s and parts of about 1/3 s: the design's grid. */
const SEGMENT_SECONDS = 2;
const PART_SECONDS = 1 / 3;

/** The broadcast's grid: the part is the divisor of the segment that is nearest to 1/3 s (10 frames at 30 fps). */
export function gridFor(fps: number): Grid {
  const framesPerSegment = fps * SEGMENT_SECONDS;
  const distance = (frames: number) => Math.abs(frames - fps * PART_SECONDS);
  let framesPerPart = 1;
  for (let frames = 1; frames <= framesPerSegment; frames++) {
    if (framesPerSegment % frames === 0 && distance(frames) < distance(framesPerPart)) framesPerPart = frames;
  }
  return { fps, framesPerSegment, framesPerPart, sampleRate: 48_000 };
}

/** Bits grow slower than pixels: half the lines want a third of the bits (the usual ladders lie between exponents 0.7 and 0.8). */
const BITS_TO_PIXELS = 0.75;
/** Less makes no picture, bits a second. */
const LEAST_BITRATE = 150_000;

/** The video qualities of a broadcast, the largest first, named by their shorter sides. */
export function videoRenditionsFor({
  video,
  renditions,
}: Pick<BroadcastInput, 'video' | 'renditions'>): VideoRendition[] {
  const { width, height, bitrate } = video;
  const shorter = Math.min(width, height);
  const smaller = renditions.map((wanted): VideoRendition => {
    const ratio = wanted.height / shorter;
    const even = (length: number) => (length === shorter ? wanted.height : 2 * Math.round((length * ratio) / 2));
    const usual = Math.max(LEAST_BITRATE, 10_000 * Math.round((bitrate * ratio ** (2 * BITS_TO_PIXELS)) / 10_000));
    const size = { width: even(width), height: even(height) };
    return { id: `v${wanted.height}`, kind: 'video', ...size, bitrate: wanted.bitrate ?? usual };
  });
  smaller.sort((a, b) => b.width - a.width);
  return [{ id: `v${shorter}`, kind: 'video', width, height, bitrate }, ...smaller];
}

/** The renditions of a broadcast: its video qualities, the largest first, and the audio. */
export const renditionsFor = (input: Pick<BroadcastInput, 'video' | 'renditions' | 'audio'>): Rendition[] => [
  ...videoRenditionsFor(input),
  { id: 'a0', kind: 'audio', bitrate: input.audio.bitrate },
];

/** What the first compositor is asked for; with what it really encodes, it says itself. */
export const encoderFor = (codec: VideoCodec, threads: number): EncoderSettings => ({
  codec,
  fallback: codec !== 'libx264',
  preset: 'veryfast',
  tune: 'zerolatency',
  profile: 'main',
  threads,
});

/** What stays the same for a broadcast's life, whichever compositor works for it. */
export interface Program {
  broadcast: string;
  /** Wall-clock label of frame 0, ms since 1970. */
  epoch: number;
  /** The controller's monotonic clock at frame 0, ms. */
  startMs: number;
  grid: Grid;
  encoder: EncoderSettings;
  renditions: Rendition[];
  deliveryUrl: string;
  /** The first segment that goes there; left out: all. What was before it went to another delivery node. */
  deliveryFrom?: number;
  /** Where compositors get images and sounds; null where there are none. */
  assetsUrl: string | null;
}

/** The first compositor has said with what it encodes: no other may choose. */
export const encodedWith = (program: Program, codec: VideoCodec): Program => ({
  ...program,
  encoder: { ...program.encoder, codec, fallback: false },
});

/** What a compositor is for its life. */
export interface Placement {
  compositor: string;
  fence: number;
  firstSegment: number;
}

export type Carry = NonNullable<JobSource['carry']>;

/** The frame whose time it is at `nowMs` of the controller's monotonic clock; 0 before the start. */
export function frameAt({ grid, startMs }: Pick<Program, 'grid' | 'startMs'>, nowMs: number): number {
  return Math.max(0, Math.floor(((nowMs - startMs) * grid.fps) / 1000));
}

/** The people in the program: never more than there are seats. */
export const peersOf = (people: readonly JobPeer[]): JobPeer[] =>
  people.slice(0, MAX_SEATS).map(({ id, name }) => ({ id, name: name.slice(0, 64) }));

/** The sources of people who are in the program. */
export function sourcesOf<S extends { peer: string }>(peers: readonly JobPeer[], sources: readonly S[]): S[] {
  const present = new Set(peers.map((peer) => peer.id));
  return sources.filter((source) => present.has(source.peer)).slice(0, MAX_SEATS * 4);
}

export interface JobInput {
  /** The compositor's; the number that is spoken with its agent. */
  protocol: number;
  program: Program;
  placement: Placement;
  token: string;
  fromFrame: number;
  scene: Scene;
  peers: JobPeer[];
  sources: JobSource[];
  active: string | null;
  speaking: string[];
}

export function buildJob({ program, placement, ...rest }: JobInput): Job {
  return { deliveryFrom: 0, ...program, ...placement, ...rest };
}

/** Of who speaks only what the scene shows: nothing else is worth a job. */
export function shownSpeakers(
  { layout, marks }: Pick<Scene, 'layout' | 'marks'>,
  peers: readonly JobPeer[],
  speakers: { active: string | null; speaking: readonly string[] },
): Pick<JobInput, 'active' | 'speaking'> {
  const present = (id: string): boolean => peers.some((peer) => peer.id === id);
  const { active } = speakers;
  return {
    active: layout.type === 'speaker' && active !== null && present(active) ? active : null,
    speaking: marks.speaking ? speakers.speaking.filter(present) : [],
  };
}

/** Whether two jobs ask for the same program: all but the frame they hold from, the token, and what only the first one has of a predecessor. */
export function sameWork(a: Job, b: Job): boolean {
  const work = ({ sources, ...job }: Job) =>
    JSON.stringify({ ...job, sources: sources.map(({ carry: _, ...source }) => source), fromFrame: 0, token: '' });
  return work(a) === work(b);
}

/** The size at which each video source will be asked for; absent: not seen. The compositor's own `seen` follows when it has drawn it. */
export function seenByLayout(
  job: Composition & Pick<Job, 'renditions'>,
  step: DegradationStep = 'none',
): Record<string, Size> {
  const videos = job.renditions.filter((r) => r.kind === 'video');
  const largest = videos.sort((a, b) => b.width * b.height - a.width * a.height)[0];
  return largest ? askedSizes(arrange(job, largest.width, largest.height), largest, step) : {};
}
