/** Decibels, and how loud the scene wants each source. Pure. */
import type { SourceId } from '../../src/contracts/ids.ts';
import type { JobSource } from '../../src/contracts/job.ts';
import type { Scene } from '../../src/contracts/scene.ts';

/** Decibels → factor. */
export const gainOf = (db: number): number => 10 ** (db / 20);
/** Factor → decibels. */
export const decibelsOf = (gain: number): number => 20 * Math.log10(gain);

/**
 * The factor of each audio source: its volume, 0 where it is muted, paused, or not solo while another is. A solo source
 * that is not in the program silences nobody.
 */
export function faders(scene: Scene, sources: readonly JobSource[]): Map<SourceId, number> {
  const heard = sources.filter(({ mime }) => mime.toLowerCase().startsWith('audio/'));
  const anySolo = heard.some(({ id }) => scene.sources[id]?.solo);
  return new Map(
    heard.map(({ id, paused }) => {
      const { volumeDb = 0, muted = false, solo = false } = scene.sources[id] ?? {};
      return [id, muted || paused || (anySolo && !solo) ? 0 : gainOf(volumeDb)] as const;
    }),
  );
}
