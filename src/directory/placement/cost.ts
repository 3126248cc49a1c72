/**
 * What a broadcast costs, in slots. In: its composition, renditions and encoder, later the CPU that its compositor was seen to use. Out: slots;
 * next: choose.ts. Pure.
 *
 * The parts are those of docs/engine.md, "What a room costs" (percent of a core, four people at 1280x720, 30 fps, 2.5 Mbit/s, x264 veryfast): 71
 * in all, of that x264 49, decoding of four 640x360 layers 5 to 7, the rest 15. They are of one machine, so the prediction is only where a broadcast
 * starts from: what is measured corrects it.
 */
import type { Grid } from '../../contracts/grid.ts';
import type { EncoderSettings, Rendition, VideoRendition } from '../../contracts/job.ts';
import { askedSizes, type Size } from '../../layout/askedSizes.ts';
import { type Composition, heardSources } from '../../layout/subjects.ts';
import { arrange } from '../../layout/tiles.ts';

/** CPU cores of one slot: four people at 720p30 as above, and 5 % over. */
export const SLOT_CORES = 0.75;

/** Cores of every compositor: its frame loop, drawing, AAC, parts, the kernel's share. */
const BASE_CORES = 0.08;
/** Cores of each source that is seen: SRTP, depacketizing, jitter buffer (3 % for four). */
const CORES_PER_SEEN = 0.0075;
/** Cores of each source that is heard: Opus, resampling, mixing (3 to 4 % for four). */
const CORES_PER_HEARD = 0.008;
/** A music bed is resampled and mixed, not decoded. */
const MUSIC_CORES = 0.005;
/** Cores for a million pixels a second, decoded and scaled (27.6 million: 5 to 7 %). */
const CORES_PER_SHOWN_MPIX = 0.0025;
/**
 * Cores for a million pixels a second, and for a Mbit/s, of x264 veryfast. Its 49 % at 27.6 million pixels and 2.5 Mbit/s, divided as four seconds
 * of a noisy picture at 1280x720 (0.98 s of CPU) and at 640x360 (0.59 s) with the same bitrate tell.
 */
const CORES_PER_ENCODED_MPIX = 0.0094;
const CORES_PER_ENCODED_MBIT = 0.092;
/** x264's CPU by preset, veryfast being 1: the same four seconds at 1280x720. */
const PRESET_FACTOR = { ultrafast: 0.55, superfast: 0.73, veryfast: 1, faster: 1.6, fast: 3.1, medium: 3.8 } as const;
/** A hardware encoder still wants its pictures brought to it. Never measured: no such hardware was at hand. */
const HARDWARE_FACTOR = 0.15;

export interface BroadcastShape {
  composition: Composition;
  renditions: readonly Rendition[];
  encoder: Pick<EncoderSettings, 'codec' | 'preset'>;
  grid: Pick<Grid, 'fps'>;
}

/** Slots that the broadcast is expected to need. */
export function predictSlots({ composition, renditions, encoder, grid }: BroadcastShape): number {
  const videos = renditions.filter((r) => r.kind === 'video');
  const largest = videos.toSorted((a, b) => b.width * b.height - a.width * a.height)[0];
  const seen = largest
    ? Object.values(askedSizes(arrange(composition, largest.width, largest.height), largest, 'none'))
    : [];
  const shown = seen.reduce((sum, size) => sum + mpixPerSecond(size, grid.fps), 0);
  const cores =
    BASE_CORES +
    seen.length * CORES_PER_SEEN +
    heardSources(composition).size * CORES_PER_HEARD +
    (composition.scene.music ? MUSIC_CORES : 0) +
    shown * CORES_PER_SHOWN_MPIX +
    videos.reduce((sum, video) => sum + encodeCores(video, encoder, grid.fps), 0);
  return cores / SLOT_CORES;
}

const mpixPerSecond = ({ width, height }: Size, fps: number): number => (width * height * fps) / 1e6;

function encodeCores(
  video: VideoRendition,
  { codec, preset }: Pick<EncoderSettings, 'codec' | 'preset'>,
  fps: number,
): number {
  const x264 = mpixPerSecond(video, fps) * CORES_PER_ENCODED_MPIX + (video.bitrate / 1e6) * CORES_PER_ENCODED_MBIT;
  return x264 * (codec === 'libx264' ? PRESET_FACTOR[preset] : HARDWARE_FACTOR);
}

/** What was measured, divided by what was predicted, must stay between these: one that is wrong by more is a fault elsewhere. */
const FACTOR_BOUNDS = [0.4, 3] as const;
/** Half of what is believed comes from the newest this many ms: a scene's change has to show, a busy second has not. */
const HALF_LIFE_MS = 30_000;

export interface CpuSample {
  /** CPU of the compositor's process, cores, over the last `overMs`. */
  cores: number;
  overMs: number;
  /** What was predicted for the same time. */
  predictedSlots: number;
  /** It gives way to CPU pressure: it would need more than it gets. */
  degraded: boolean;
}

/**
 * The broadcast's factor after a sample: slots = predicted × factor. It starts at 1, is exponentially weighted by time, and bounded. A degraded
 * compositor's sample can raise it, never lower it. Corrects the prediction instead of replacing it, so that a new scene counts at once.
 */
export function correctFactor(factor: number, { cores, overMs, predictedSlots, degraded }: CpuSample): number {
  if (!(overMs > 0 && predictedSlots > 0 && Number.isFinite(cores))) return factor;
  const [lowest, highest] = FACTOR_BOUNDS;
  const seen = Math.min(highest, Math.max(lowest, cores / (predictedSlots * SLOT_CORES)));
  if (degraded && seen < factor) return factor;
  return seen + (factor - seen) * 2 ** (-overMs / HALF_LIFE_MS);
}
