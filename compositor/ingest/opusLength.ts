/** How much sound is in an Opus packet, from its first byte (RFC 6716 section 3.1) and the number of its frames (section 3.2). */

/** Of one frame, ms, by the low bits of the configuration: SILK (0 to 11), hybrid (12 to 15), CELT (16 to 31). */
const SILK_MS = [10, 20, 40, 60];
const HYBRID_MS = [10, 20];
const CELT_MS = [2.5, 5, 10, 20];
/** Longer packets there are not, ms. */
const MAX_MS = 120;

/** 0 where it is no Opus packet. */
export function opusLengthMs(packet: Buffer): number {
  const first = packet[0];
  if (first === undefined) return 0;
  const configuration = first >>> 3;
  const [lengths, at] =
    configuration < 12
      ? [SILK_MS, configuration % 4]
      : configuration < 16
        ? [HYBRID_MS, configuration % 2]
        : [CELT_MS, configuration % 4];
  const code = first & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : (packet[1] ?? 0) & 0x3f;
  return Math.min(MAX_MS, frames * (lengths[at] ?? 0));
}
