import type { BroadcastStatus } from '../contracts/broadcast.ts';
import type { RoomId } from '../contracts/ids.ts';
import type { Schedule, ScheduleInput } from '../contracts/schedule.ts';

/** What signalling and the HTTP API ask of the broadcasts that start by themselves. `Schedules.ts` is one. Throws AppError `wrong-node` where the room is at home elsewhere. */
export interface ScheduleService {
  /** The room's next broadcast; null: none is scheduled. */
  get(room: string): Schedule | null;
  /** In place of what was scheduled before. Throws AppError `bad-request` for a time that can not be, and what destinations are refused with. */
  set(room: RoomId, input: ScheduleInput): Promise<Schedule>;
  /** Calls it off. Throws AppError `not-found`. */
  cancel(room: RoomId): Promise<void>;
  /** Stops a countdown: what it took the place of holds again; else it is called off. Throws AppError `not-found`. */
  back(room: RoomId): Promise<void>;
  /** At once. Throws AppError `not-found`, and what the start of a broadcast is refused with. */
  start(room: RoomId): Promise<BroadcastStatus>;
}
