/** Whether an Opus packet carries the packet before it once more (low bit-rate redundancy, LBRR: RFC 6716 section 4.2.4). */
import { opusLengthMs } from '../ingest/opusLength.ts';

/** Configurations below this have a SILK layer, the only one with redundancy (RFC 6716 section 3.1, table 2). */
const CELT_FROM = 16;
const SILK_FRAME_MS = 20;
const SAMPLES_PER_MS = 48;

/**
 * Samples at 48 kHz just before the packet that are in it as well; 0: none. Only of packets with one frame, as browsers send
 * them; of others the place of the flag hangs on the lengths of their frames.
 */
export function redundantSamples(packet: Buffer): number {
  const [first, header] = packet;
  if (first === undefined || header === undefined || first >>> 3 >= CELT_FROM || (first & 3) !== 0) return 0;
  const lengthMs = opusLengthMs(packet);
  const silkFrames = Math.max(1, lengthMs / SILK_FRAME_MS);
  // For each channel, from the highest bit on: a voice flag for each SILK frame, then the flag of redundancy (section 4.2.3).
  const middle = (header >>> (7 - silkFrames)) & 1;
  const side = (first & 4) === 0 ? 0 : (header >>> (6 - 2 * silkFrames)) & 1;
  return middle || side ? lengthMs * SAMPLES_PER_MS : 0;
}
