import type { Counter, Gauge } from 'prom-client';
import type { HealthMetrics } from './health/metrics.ts';

/** What the rooms count. */
export interface RoomMetrics {
  /** lianmai_rooms */
  rooms: Gauge;
  /** lianmai_peers{role}: people who are connected or away. */
  peers: Gauge<'role'>;
  /** lianmai_seats_taken */
  seats: Gauge;
  /** lianmai_room_rebuilds_total: routers replaced because a worker died. */
  rebuilds: Counter;
  health: HealthMetrics;
}
