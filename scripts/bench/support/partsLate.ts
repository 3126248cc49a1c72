/**
 * How late parts were listed, from what a follower of the playlist saw. Pure. Tells a server that is late from a player that has stalled for another reason.
 */

/** Longest delay of a part beyond the median of all from `fromMs` on, s; `listedAt` by `SEGMENT.PART`, on performance.now(). null: none. */
export function partsLate(
  listedAt: ReadonlyMap<string, number>,
  { fromMs, segmentMs, partMs }: { fromMs: number; segmentMs: number; partMs: number },
): number | null {
  const delays: number[] = [];
  for (const [name, at] of listedAt) {
    const [segment, part] = name.split('.').map(Number);
    if (at < fromMs || segment === undefined || part === undefined) continue;
    delays.push(at - segment * segmentMs - part * partMs);
  }
  delays.sort((a, b) => a - b);
  const [median, worst] = [delays[Math.floor(delays.length / 2)], delays.at(-1)];
  return median === undefined || worst === undefined ? null : Number(((worst - median) / 1000).toFixed(2));
}
