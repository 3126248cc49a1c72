/** Whether a viewer is live, and how far behind. */
import type { WatchRoom } from './WatchRoom.ts';

/** This close to where the player wants to be counts as live, seconds. */
const AT_EDGE_SECONDS = 3;
/** Before the player has said where it wants to be, seconds. */
const USUAL_SECONDS = 2;

/** How far from the end the player wants to be, seconds. */
export const targetLatency = (watch: WatchRoom): number => watch.hlsStats.targetLatency ?? USUAL_SECONDS;

/** Paused, or so far behind that it shows something else than what is happening now. Reads signals. */
export function away(watch: WatchRoom): boolean {
  const latency = watch.engine.value?.latency.value ?? null;
  return watch.paused.value || (latency !== null && latency > targetLatency(watch) + AT_EDGE_SECONDS);
}
