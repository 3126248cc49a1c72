import { z } from 'zod';

/** A smaller video quality beside the main one: same picture, same shape, same frames. */
export const RenditionInput = z
  .object({
    /** Of the shorter side, pixels; less than the main video's. The longer side follows from the main video's shape. */
    height: z.int().min(144).max(1080).multipleOf(2),
    /** Bits a second; left out, it follows from the main video's. */
    bitrate: z.int().min(100_000).max(20_000_000).optional(),
  })
  .strict();
export type RenditionInput = z.infer<typeof RenditionInput>;
