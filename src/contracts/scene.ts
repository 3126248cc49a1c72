import { z } from 'zod';
import { PeerId, SourceId } from './ids.ts';

/** How loud a source is in the program, in decibels; 0 leaves it as it comes. */
export const VolumeDb = z.number().min(-60).max(12);

export const SourceSettings = z
  .object({
    volumeDb: VolumeDb.default(0),
    /** Out of the program's sound. */
    muted: z.boolean().default(false),
    /** Out of the program's picture. */
    hidden: z.boolean().default(false),
  })
  .strict();
export type SourceSettings = z.infer<typeof SourceSettings>;

/** The wanted composition: public, declarative, set whole. */
export const Scene = z
  .object({
    layout: z
      .object({ type: z.literal('grid') })
      .strict()
      .default({ type: 'grid' }),
    /** Peers in the order of their tiles; peers that are not listed follow in the order in which they took their seat. */
    order: z.array(PeerId).max(16).default([]),
    /** Only what differs from the defaults. */
    sources: z.record(SourceId, SourceSettings).default({}),
    /** Behind and between the tiles. */
    background: z
      .string()
      .regex(/^#[0-9a-f]{6}$/i)
      .default('#12141a'),
    /** The line on the slate while nobody is in the program. */
    slateText: z.string().max(120).default(''),
  })
  .strict();
export type Scene = z.infer<typeof Scene>;
export type SceneInput = z.input<typeof Scene>;
