import type { CompositorStats } from '../contracts/control.ts';
import type { DegradationStep } from '../contracts/degradation.ts';
import type { VideoCodec } from '../contracts/job.ts';
import type { Carried } from './carry.ts';
import type { Program } from './jobs.ts';

/** What one compositor at work says. */
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
