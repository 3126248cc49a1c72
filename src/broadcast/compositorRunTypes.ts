/** What a CompositorRun is made with, and what it tells. */
import type { CompositorStats } from '../contracts/control.ts';
import type { DegradationStep } from '../contracts/degradation.ts';
import type { VideoCodec } from '../contracts/job.ts';
import type { CompositorLinkOptions } from './CompositorLink.ts';
import type { Carried } from './carry.ts';
import type { Program } from './jobs.ts';
import type { BroadcastMetrics } from './metrics.ts';
import type { RoomTap } from './RoomTap.ts';
import type { Speakers } from './Speakers.ts';

export interface CompositorRunEvents {
  /** It works for the program from this segment on. */
  ready: [program: Program, firstSegment: number];
  /** It has been told to stop. */
  stopping: [];
  stats: [stats: CompositorStats];
  carry: [sources: Record<string, Carried>];
  keyframe: [];
  /** With what it encodes, and all its successors have to; before the first init segment. */
  encoder: [codec: VideoCodec];
  /** The program gives way to CPU pressure so far, from this frame on. */
  degraded: [step: DegradationStep, fromFrame: number];
  /** Its agent goes. */
  draining: [];
}

export interface CompositorRunOptions extends Omit<CompositorLinkOptions, 'token'> {
  room: RoomTap;
  /** The broadcast's. */
  speakers: Speakers;
  mediaIp: string;
  newToken: () => Promise<string>;
  metrics: BroadcastMetrics;
}
