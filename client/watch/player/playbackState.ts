import type { PlaybackState } from '../../../src/contracts/playback.ts';

const isNumberOrNull = (value: unknown): value is number | null => value === null || typeof value === 'number';

/** Parses `/live/:room/state.json`; undefined when it is not one. By hand, so that viewers need not load the schemas. */
export function parsePlaybackState(json: unknown): PlaybackState | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const fields = json as Record<string, unknown>;
  const { room, state, broadcast, startedAt, endedAt, viewers = 0, recording = null } = fields;
  if (typeof room !== 'string') return undefined;
  if (state !== 'idle' && state !== 'live' && state !== 'ended') return undefined;
  if (broadcast !== null && typeof broadcast !== 'string') return undefined;
  if (!isNumberOrNull(startedAt) || !isNumberOrNull(endedAt)) return undefined;
  if (typeof viewers !== 'number' || (recording !== null && typeof recording !== 'string')) return undefined;
  return { room, state, broadcast, startedAt, endedAt, viewers, recording, scheduled: scheduledOf(fields.scheduled) };
}

/** null, too, when it is none that we understand. */
function scheduledOf(json: unknown): PlaybackState['scheduled'] {
  if (typeof json !== 'object' || json === null) return null;
  const { title, startsAt, now } = json as Record<string, unknown>;
  if (typeof title !== 'string' || typeof startsAt !== 'number' || typeof now !== 'number') return null;
  return { title, startsAt, now };
}
