/**
 * FFmpeg's dav1d wrapper fetches one picture for each packet (libdav1d.c, FFmpeg 8): the layers above would come out with the next one. So
 * each spatial layer of a temporal unit is a packet of its own. In: a unit as ingest makes it, each OBU with its size.
 */
const TEMPORAL_DELIMITER = 2;
const HAS_EXTENSION = 0x04;

/** The unit cut before each change of the spatial layer; whole where there is one layer, or where it is broken. */
export function av1Layers(unit: Buffer): Buffer[] {
  const cuts: number[] = [];
  let layer: number | null = null;
  for (let at = 0; at < unit.length; ) {
    const first = unit[at] ?? 0;
    const extended = (first & HAS_EXTENSION) !== 0;
    let end = at + (extended ? 2 : 1);
    let size = 0;
    for (let shift = 0; shift < 32; shift += 7) {
      const octet = unit[end++] ?? 0;
      size += (octet & 0x7f) * 2 ** shift;
      if (!(octet & 0x80)) break;
    }
    const spatial = extended ? ((unit[at + 1] ?? 0) >> 3) & 3 : null;
    if (spatial !== null && ((first >> 3) & 15) !== TEMPORAL_DELIMITER) {
      if (layer !== null && spatial !== layer) cuts.push(at);
      layer = spatial;
    }
    at = end + size;
    if (at > unit.length) return [unit];
  }
  return [0, ...cuts].map((from, i) => unit.subarray(from, cuts[i] ?? unit.length));
}
