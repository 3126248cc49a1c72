/** How a broadcast stands for a viewer, in one word. Pure. */

/**
 * `connecting`: not known yet, or no frame seen yet. `idle`: not live yet. `scheduled`: not live, and it is known when it will be. `live`: the picture moves (or was paused by the
 * person). `reconnecting`: it should move and does not. `ended`: over, and shown to its end. `recorded`: a recording is shown.
 */
export type WatchState = 'connecting' | 'idle' | 'scheduled' | 'live' | 'reconnecting' | 'ended' | 'recorded';

export interface WatchFacts {
  /** What the server said last; null before the first answer. */
  server: 'idle' | 'live' | 'ended' | null;
  /** The next broadcast starts by itself. */
  scheduled: boolean;
  /** The last question to the server had no answer. */
  unreachable: boolean;
  /** There is a player for the newest broadcast. */
  playing: boolean;
  /** What it plays is a recording. */
  recorded: boolean;
  /** The player has shown the last frame. */
  finished: boolean;
  paused: boolean;
  /** When the picture last moved, ms; null: never. */
  movedAt: number | null;
  now: number;
}

/** A picture that stands longer than this is a fault that one should be told of, ms. */
const STILL_MS = 2_500;
/** After the server's word that it is over, a player that stands this long has come to the end, ms. */
const LAST_FRAME_MS = 3_000;

export function watchStateOf(facts: WatchFacts): WatchState {
  const { server, scheduled, unreachable, playing, recorded, finished, paused, movedAt, now } = facts;
  if (server === null) return unreachable ? 'reconnecting' : 'connecting';
  const stillMs = movedAt === null ? Number.POSITIVE_INFINITY : now - movedAt;
  if (recorded) {
    if (movedAt === null && !paused) return 'connecting';
    return paused || finished || stillMs < STILL_MS ? 'recorded' : 'reconnecting';
  }
  if (server === 'ended' && playing && !finished && stillMs < LAST_FRAME_MS) return 'live';
  if (server === 'ended') return scheduled ? 'scheduled' : 'ended';
  if (server === 'idle') return unreachable ? 'reconnecting' : scheduled ? 'scheduled' : 'idle';
  if (movedAt === null) return unreachable ? 'reconnecting' : 'connecting';
  return paused || stillMs < STILL_MS ? 'live' : 'reconnecting';
}
