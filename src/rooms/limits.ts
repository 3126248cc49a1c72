import { MAX_SEATS } from '../contracts/job.ts';

export interface RoomLimits {
  /** Seats of a room, at most MAX_SEATS. */
  seats: number;
  /** People of a room, with those who only watch the page. */
  peers: number;
  /** How long a dropped peer keeps its seat, ms. */
  awayMs: number;
  /** How long the media of a dropped peer goes on beside its successor's, ms: no hole in the program while it builds anew. */
  retireMs: number;
  /** How long a room without anybody, that is not live, is kept, ms. */
  emptyMs: number;
}

export const DEFAULT_LIMITS: RoomLimits = {
  seats: MAX_SEATS,
  peers: 2_000,
  awayMs: 30_000,
  retireMs: 10_000,
  emptyMs: 60_000,
};
