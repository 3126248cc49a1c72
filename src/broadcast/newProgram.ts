import type { BroadcastInput } from '../contracts/broadcast.ts';
import type { BroadcastOptions } from './BroadcastOptions.ts';
import { encoderFor, gridFor, type Program, renditionsFor } from './jobs.ts';

/**
 * Frame 0 is this long after the first compositor is bound, ms: it opens its encoders and asks for the time meanwhile, which took
 * 0.15 to 0.35 s at 1280x720 on two cores. A compositor that is ready later begins with late frames.
 */
const START_LEAD_MS = 600;

/** What is chosen once for a broadcast's life. */
export type ChosenProgram = Omit<Program, 'broadcast' | 'deliveryUrl' | 'deliveryFrom' | 'assetsUrl'>;

/** A program that begins now. */
export function newProgram(
  input: BroadcastInput,
  { videoEncoder, encoderThreads, clock, wallClock }: BroadcastOptions,
): ChosenProgram {
  return {
    epoch: Math.round(wallClock()) + START_LEAD_MS,
    startMs: clock.now() + START_LEAD_MS,
    grid: gridFor(input.video.fps),
    encoder: encoderFor(videoEncoder, encoderThreads),
    renditions: renditionsFor(input),
  };
}
