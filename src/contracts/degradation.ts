/**
 * The steps in which a compositor gives way under CPU pressure, each with all before it. None touches the encoder: init segments
 * stay what they are, and every frame of the grid is encoded.
 */
import { z } from 'zod';

export const DegradationStep = z.enum([
  /** Everything as it should be. */
  'none',
  /** Small tiles are sent by the SFU in lower simulcast layers, which cost less to receive and decode. */
  'lower-layers',
  /** Each source's picture moves on with every second program frame only; half of the sources with each. */
  'half-source-rate',
  /** Every second program frame is the last one again. */
  'half-program-rate',
]);
export type DegradationStep = z.infer<typeof DegradationStep>;

/** How far `step` has given way: 0 for `none`. */
export const degradationRank = (step: DegradationStep): number => DegradationStep.options.indexOf(step);

/** Whether what `wanted` names is done at `step`. */
export const degradesTo = (step: DegradationStep, wanted: DegradationStep): boolean =>
  degradationRank(step) >= degradationRank(wanted);
