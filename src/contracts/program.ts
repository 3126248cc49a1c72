/**
 * Interface 4, Program: HTTP PUT, compositor → delivery, on delivery's internal port.
 *
 *   PUT /program/:broadcast/:rendition/init               the init segment (ftyp, moov)
 *   PUT /program/:broadcast/:rendition/slate              one segment's worth of slate (video GOP) or silence (audio), at time 0
 *   PUT /program/:broadcast/:rendition/:segment/:part     one part (moof, mdat), `tfdt` on the broadcast's grid
 *
 * Headers: `authorization: Bearer SERVICE_TOKEN`, `x-lianmai-fence`, `x-lianmai-compositor`. Body: application/octet-stream.
 * Answers: 204; 401 token; 404 no such broadcast or rendition; 409 `stale-fence` a lower fence, or `not-taken` a segment
 * that another compositor was given; 409 `init-mismatch` another init segment than the broadcast's; 422 not on the grid.
 * A repeated PUT of the same bytes is 204.
 */
import { z } from 'zod';
import { BroadcastId, CompositorId, Fence, RenditionId, SegmentNumber } from './ids.ts';

export const FENCE_HEADER = 'x-lianmai-fence';
export const COMPOSITOR_HEADER = 'x-lianmai-compositor';

export const ProgramParams = z.object({ broadcast: BroadcastId, rendition: RenditionId });
export const PartParams = ProgramParams.extend({
  segment: z.coerce.number().pipe(SegmentNumber),
  part: z.coerce.number().pipe(z.int().min(0).max(600)),
});
export const ProgramHeaders = z.object({
  [FENCE_HEADER]: z.coerce.number().pipe(Fence),
  [COMPOSITOR_HEADER]: CompositorId,
});
