/** A scheduled broadcast as it is kept, and as it is told. Pure. */
import type { Destination } from '../broadcast/destinations.ts';
import { pendingOf } from '../broadcast/record/BroadcastRecord.ts';
import type { SecretBox } from '../common/SecretBox.ts';
import type { BroadcastInput } from '../contracts/broadcast.ts';
import { AppError } from '../contracts/errors.ts';
import type { RoomId } from '../contracts/ids.ts';
import { MAX_AHEAD_MS, type Schedule, type ScheduleInput } from '../contracts/schedule.ts';
import type { ScheduledStart } from '../directory/entries.ts';

/** What a broadcast starts with, its stream keys sealed. */
export type Prepared = Pick<ScheduledStart, 'version' | 'id' | 'room' | 'input' | 'destinations'>;

export function prepared(
  of: { id: string; room: RoomId; input: BroadcastInput; destinations: readonly Destination[] },
  box: SecretBox,
): Prepared {
  const { queuedAt: _, ...rest } = pendingOf({ ...of, queuedAt: 0 }, box);
  return rest;
}

/** ms since 1970. Throws AppError `bad-request` for a time that has passed, or is too far ahead. */
export function startOf({ startsAt, inSeconds }: ScheduleInput, now: number): number {
  if (inSeconds !== undefined) return now + inSeconds * 1000;
  if (startsAt === undefined || startsAt <= now) throw new AppError('bad-request', 'The time of the start has passed.');
  if (startsAt > now + MAX_AHEAD_MS) throw new AppError('bad-request', 'A broadcast starts within 30 days.');
  return startsAt;
}

/** `last`: what it takes the place of. */
export function scheduledOf(
  what: Prepared,
  { title, ...when }: ScheduleInput,
  last: ScheduledStart | null,
  now: number,
): ScheduledStart {
  const startsAt = startOf(when, now);
  const planned = last?.state === 'scheduled' ? (last.before ?? last.startsAt) : null;
  return {
    ...what,
    title: title ?? last?.title ?? '',
    startsAt,
    // A countdown leads to the start at once; called off, the plan holds again.
    before: when.inSeconds !== undefined && planned !== null && planned > startsAt ? planned : null,
    createdAt: now,
    state: 'scheduled',
    reason: '',
  };
}

export function toSchedule({ id, input, destinations, version: _, room: __, ...rest }: ScheduledStart): Schedule {
  return {
    ...rest,
    broadcast: id,
    settings: input,
    destinations: destinations.map(({ id, name, target }) => ({ id, name, target })),
  };
}
