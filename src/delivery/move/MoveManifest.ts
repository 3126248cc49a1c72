/** What one delivery node tells another of a broadcast that moves there: everything but the bytes. */
import { z } from 'zod';
import { CaptionLine } from '../../contracts/captions.ts';
import { RenditionId, SegmentNumber } from '../../contracts/ids.ts';
import { RecordingRecord } from '../recording/RecordingRecord.ts';

export const MoveManifest = z.object({
  version: z.literal(1),
  /** Nothing is added any more: the broadcast is yielded, and all before that is there or lost. */
  final: z.boolean(),
  /** The first segment that is listed; null: nothing was visible yet. */
  first: SegmentNumber.nullable(),
  /** The first position (segment × parts a segment + part) that is not visible. */
  next: z.int().min(0),
  /** Renditions that have an init segment, and those that have a slate. */
  inits: z.array(RenditionId),
  slates: z.array(RenditionId),
  /** Whole segments that can be had, in all renditions. */
  segments: z.array(SegmentNumber),
  captions: z.array(CaptionLine).default([]),
  /** null: it is not recorded. */
  recording: RecordingRecord.nullable(),
});
export type MoveManifest = z.infer<typeof MoveManifest>;

/** Whether the other node has all of it. */
export const MoveDone = z.object({ complete: z.boolean() });
