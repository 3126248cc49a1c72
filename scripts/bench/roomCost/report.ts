/** Pure: what was measured → the fields of `room-cost`, and whether the limits hold. */

/** What the issue asks for. */
export const LIMITS = {
  toFloor: 1.45,
  toFfmpeg: 0.9,
  toGstreamer: 0.62,
  ratio16To4: 1.7,
  rssMb: 250,
  /** A flat line: what cannot be told from one in half an hour. */
  rssSlopeMbPerHour: 10,
} as const;
/** The room that the limits are for. */
const LIMITED_PEERS = 4;

/** CPU seconds of one round; null: not to be had on this machine. */
export interface Round {
  cpu: number;
  floor: number;
  ffmpeg: number | null;
  gstreamer: number | null;
  rssBytes: number;
  repeatedFrames: number;
}

export interface PeersReport {
  cpu_s: number;
  floor_cpu_s: number;
  ffmpeg_cpu_s: number | null;
  gstreamer_cpu_s: number | null;
  to_floor: number;
  to_ffmpeg: number | null;
  to_gstreamer: number | null;
  rss_mb: number;
  /** Of all rounds. A frame that is the last picture again costs less: the rounds are worth something when these are few. */
  repeated_frames: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = low] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}

/** The median of each round's ratio, since the machine's noise changes from round to round. */
export function reportPeers(rounds: readonly Round[]): PeersReport {
  const of = (pick: (round: Round) => number | null): number | null => {
    const values = rounds.map(pick).filter((value) => value !== null);
    return values.length === rounds.length && values.length > 0 ? round(median(values)) : null;
  };
  const ratio = (to: (round: Round) => number | null) =>
    of((r) => {
      const other = to(r);
      return other === null ? null : r.cpu / other;
    });
  return {
    cpu_s: of((r) => r.cpu) ?? 0,
    floor_cpu_s: of((r) => r.floor) ?? 0,
    ffmpeg_cpu_s: of((r) => r.ffmpeg),
    gstreamer_cpu_s: of((r) => r.gstreamer),
    to_floor: ratio((r) => r.floor) ?? 0,
    to_ffmpeg: ratio((r) => r.ffmpeg),
    to_gstreamer: ratio((r) => r.gstreamer),
    rss_mb: Math.round(Math.max(...rounds.map((r) => r.rssBytes)) / 1e6),
    repeated_frames: rounds.reduce((sum, r) => sum + r.repeatedFrames, 0),
  };
}

export interface Reported {
  peers: Record<string, PeersReport>;
  ratio_16_to_4: number | null;
  rss_slope_mb_per_h: number | null;
}

export function ratio16To4(peers: Record<string, PeersReport>): number | null {
  const [sixteen, four] = [peers[16], peers[4]];
  return sixteen && four ? round(sixteen.cpu_s / four.cpu_s) : null;
}

/** The limits that do not hold, by name. What was not measured is not held against anybody. */
export function missedLimits({ peers, ratio_16_to_4, rss_slope_mb_per_h }: Reported): string[] {
  const room = peers[LIMITED_PEERS];
  const values: [name: string, value: number | null | undefined, limit: number][] = [
    ['to_floor', room?.to_floor, LIMITS.toFloor],
    ['to_ffmpeg', room?.to_ffmpeg, LIMITS.toFfmpeg],
    ['to_gstreamer', room?.to_gstreamer, LIMITS.toGstreamer],
    ['rss_mb', room?.rss_mb, LIMITS.rssMb],
    ['ratio_16_to_4', ratio_16_to_4, LIMITS.ratio16To4],
    ['rss_slope_mb_per_h', rss_slope_mb_per_h, LIMITS.rssSlopeMbPerHour],
  ];
  return values.flatMap(([name, value, limit]) => (typeof value === 'number' && value > limit ? [name] : []));
}

/**
 * MB an hour, by Theil and Sen: the median slope of all pairs of samples, so that the teeth of garbage collection do not tilt it.
 * The first sixth is left out: pools and JIT code fill up.
 */
export function slopeMbPerHour(samples: readonly { atSeconds: number; bytes: number }[]): number {
  const kept = samples.slice(Math.floor(samples.length / 6));
  const slopes: number[] = [];
  for (const [i, a] of kept.entries()) {
    for (const b of kept.slice(i + 1)) slopes.push((b.bytes - a.bytes) / (b.atSeconds - a.atSeconds));
  }
  return slopes.length === 0 ? 0 : round((median(slopes) * 3600) / 1e6);
}

const round = (value: number): number => Number(value.toFixed(3));
