import type { Counter, Gauge, Histogram } from 'prom-client';

/** What the controller counts. Label sets are closed: BroadcastState, the end reasons, CompositorEndReason. */
export interface BroadcastMetrics {
  /** `lianmai_broadcasts{state}`: broadcasts that have not ended, by state. */
  broadcasts: Pick<Gauge<'state'>, 'set'>;
  /** `lianmai_compositor_demand`: slots wanted by broadcasts that have not ended, whether they have them or not; not those that their tenant may not have. */
  demand: Pick<Gauge, 'set'>;
  /** `lianmai_pending_broadcasts{kind,reason}`: those that wait for a compositor; `start`, or `handover`: they run, or did, and are seen. WaitReason. */
  pending: Pick<Gauge<'kind' | 'reason'>, 'set'>;
  /** `lianmai_pending_seconds`: how long those that had to wait have waited, when they were given a place. */
  waitSeconds: Pick<Histogram, 'observe'>;
  /** `lianmai_broadcasts_ended_total{reason}` */
  ended: Pick<Counter<'reason'>, 'inc'>;
  /** `lianmai_broadcast_start_seconds`: from the wish to `live`, without what it waited for a place. */
  startSeconds: Pick<Histogram, 'observe'>;
  /** `lianmai_compositor_restarts_total{reason}`: compositors that had to be replaced, by why. */
  restarts: Pick<Counter<'reason'>, 'inc'>;
  /** `lianmai_broadcasts_resumed_total`: broadcasts of a killed process that were gone on with. */
  resumed: Pick<Counter, 'inc'>;
  /** `lianmai_broadcast_recovery_seconds`: from losing a compositor to `live` again. */
  recoverySeconds: Pick<Histogram, 'observe'>;
  /** `lianmai_handoffs_total{reason,outcome}`: HandoffReason, HandoffOutcome; one that is tried again counts again. */
  handoffs: Pick<Counter<'reason' | 'outcome'>, 'inc'>;
  /** `lianmai_handoff_seconds`: from the search for a successor to the end of the compositor before, of those that were done. */
  handoffSeconds: Pick<Histogram, 'observe'>;
  /** `lianmai_lost_frames_total`: frames of programs that never came to delivery. */
  lostFrames: Pick<Counter, 'inc'>;
  /** `lianmai_jobs_total`: jobs sent to compositors. */
  jobs: Pick<Counter, 'inc'>;
  /** `lianmai_compositor_keyframe_wishes_total` */
  keyframes: Pick<Counter, 'inc'>;
  /** `lianmai_compositor_fps`: frames composed a second, one observation a second and broadcast. */
  fps: Pick<Histogram, 'observe'>;
  /** `lianmai_compositor_frames_total` */
  frames: Pick<Counter, 'inc'>;
  /** `lianmai_compositor_late_frames_total`: composed more than a frame period after their time. */
  lateFrames: Pick<Counter, 'inc'>;
  /** `lianmai_compositor_repeated_frames_total`: encoded from the last picture because composing had no time left. */
  repeatedFrames: Pick<Counter, 'inc'>;
  /** `lianmai_compositor_degradation{step}`: broadcasts that give way to CPU pressure, by how far. */
  degradation: Pick<Gauge<'step'>, 'inc' | 'dec'>;
  /** `lianmai_compositor_degradations_total{step}`: changes of it, by the step that was changed to (`none`: back to normal). */
  degradations: Pick<Counter<'step'>, 'inc'>;
  /** `lianmai_compositor_compose_seconds`: p95 of a second, one observation a second and broadcast. */
  composeSeconds: Pick<Histogram, 'observe'>;
  /** `lianmai_compositor_encode_seconds`: likewise. */
  encodeSeconds: Pick<Histogram, 'observe'>;
  /** `lianmai_part_latency_seconds`: from a part's end on the grid to delivery's answer; likewise. */
  partLatencySeconds: Pick<Histogram, 'observe'>;
  /** `lianmai_compositor_clock_error_seconds`: likewise. */
  clockErrorSeconds: Pick<Histogram, 'observe'>;
}

/** What the queue for compositors counts (place/Places.ts). */
export type PlaceMetrics = Pick<BroadcastMetrics, 'demand' | 'pending' | 'waitSeconds'>;
