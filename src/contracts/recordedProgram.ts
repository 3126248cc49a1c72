/** What outlives the process that controls a broadcast, wherever it is kept: on disk (broadcast/record/) or in the directory. */
import { z } from 'zod';
import { BroadcastInput } from './broadcast.ts';
import { Grid } from './grid.ts';
import { BroadcastId, Fence, RoomId } from './ids.ts';
import { EncoderSettings, Rendition } from './job.ts';

export const RecordedProgram = z.object({
  version: z.literal(1),
  id: BroadcastId,
  room: RoomId,
  /** Its destinations are kept beside it, sealed. */
  input: BroadcastInput,
  /** Wall-clock label of frame 0, ms since 1970. */
  epoch: z.number(),
  grid: Grid,
  /** With the codec that is really used: the successor's init segments have to be the same bytes. */
  encoder: EncoderSettings,
  renditions: z.array(Rendition),
  /** The newest that a compositor was given. */
  fence: Fence,
});
export type RecordedProgram = z.infer<typeof RecordedProgram>;
