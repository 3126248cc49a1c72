/** What a pipeline (Pipeline.ts) is given, and what it says while it works; Child.ts is its owner. */
import type { Logger } from '../src/common/logger.ts';
import type { DegradationStep } from '../src/contracts/degradation.ts';
import type { SourceId } from '../src/contracts/ids.ts';
import type { Job, VideoCodec } from '../src/contracts/job.ts';
import type { Size } from '../src/layout/askedSizes.ts';
import type { PartSink } from './output/PartSink.ts';
import type { Pacer } from './Pacer.ts';
import type { ProgramTap } from './return/ProgramTap.ts';

export interface PipelineEvents {
  /** A job holds from this frame. */
  applied: [fromFrame: number];
  /** The size at which each source is asked for, when it changes. */
  seen: [sizes: Record<SourceId, Size>];
  /** From this frame on the program gives way to CPU pressure so far. */
  degraded: [step: DegradationStep, fromFrame: number];
  /** A source has to send a key frame before it can be shown. */
  keyframe: [source: SourceId];
  /** The last part is given to the sink; `lastSegment` is the newest whole segment. An error is a fault of ours. */
  ended: [end: { lastSegment: number | null; error?: unknown }];
}

export interface PipelineOptions {
  job: Job;
  pacer: Pacer;
  sink: PartSink;
  logger: Logger;
  /** Who sees and hears the program besides delivery. */
  tap?: ProgramTap;
  /** Told before the first init segment is put: what the program is encoded with, for good. */
  onEncoder?: (codec: VideoCodec) => void;
}
