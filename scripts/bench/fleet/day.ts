/** The synthetic day: when rooms start, how long they last, what they cost. Seeded, so the same seed is the same day. */
import { Scene } from '../../../src/contracts/scene.ts';
import { type BroadcastShape, predictSlots } from '../../../src/directory/placement.ts';
import { randomOf } from '../../../test/support/sound/random.ts';

export const DAY_S = 86_400;
const MINUTE_S = 60;
const HOUR_S = 3_600;

export interface Room {
  id: string;
  startS: number;
  lengthS: number;
  slots: number;
}

/** Length of a room: log-normal. The median is the issue's; sigma is chosen: the mean is then 55 min, and one in 20 lasts longer than 149 min. */
const LENGTH_MEDIAN_S = 40 * MINUTE_S;
const LENGTH_SIGMA = 0.8;
const LENGTH_MEAN_S = LENGTH_MEDIAN_S * Math.exp(LENGTH_SIGMA ** 2 / 2);

/** Rooms by the hour of the day, of the evening's peak: one region's public. Chosen; between the hours a cosine. */
const CURVE = [
  0.36, 0.2, 0.11, 0.07, 0.05, 0.05, 0.06, 0.08, 0.12, 0.16, 0.2, 0.23, 0.26, 0.26, 0.24, 0.23, 0.25, 0.31, 0.44, 0.66,
  0.9, 1, 0.86, 0.6,
];

/** Rooms that started before the day are part of it as far as they still live. */
const WARM_UP_S = 10 * HOUR_S;

export interface Burst {
  fromS: number;
  /** Starts are this many times as frequent as they would be. */
  factor: number;
}
export const BURST_S = 5 * MINUTE_S;

/** Three times a day starts are ten times as frequent for five minutes: in the night, in the morning, before the evening. */
export const BURSTS: readonly Burst[] = [4.2, 10.5, 17.1].map((hour) => ({ fromS: hour * HOUR_S, factor: 10 }));
/**
 * The harder reading: the number of rooms itself is ten times as large after five minutes. Only where rooms are few: ten times as many are no more than
 * the peak. So many starts come in five minutes as in ten times the mean length otherwise.
 */
export const TENFOLD_BURSTS: readonly Burst[] = [3.6, 5.5, 7].map((hour) => ({
  fromS: hour * HOUR_S,
  factor: (9 * LENGTH_MEAN_S) / BURST_S + 1,
}));

export interface DayOptions {
  seed: number;
  /** Rooms at the evening's peak. */
  peak: number;
  bursts: readonly Burst[];
}

/** Starts a second. What started goes on for a while, so the curve is that much earlier than the rooms are. */
function startRate(atS: number, { peak, bursts }: Omit<DayOptions, 'seed'>): number {
  const hour = (((atS / HOUR_S) % 24) + 24) % 24;
  const from = CURVE[Math.floor(hour)] ?? 0;
  const to = CURVE[(Math.floor(hour) + 1) % 24] ?? 0;
  const share = from + ((to - from) * (1 - Math.cos(Math.PI * (hour % 1)))) / 2;
  const burst = bursts.find(({ fromS }) => atS >= fromS && atS < fromS + BURST_S);
  return ((peak * share) / LENGTH_MEAN_S) * (burst?.factor ?? 1);
}

/** All rooms of the day, by start; those from before it start before 0. A Poisson process, thinned. */
export function roomsOfDay(options: DayOptions): Room[] {
  const random = randomOf(options.seed);
  const kinds = roomKinds();
  const rate = { ...options, peak: options.peak * peakCorrection() };
  const rooms: Room[] = [];
  const highest = Math.max(...options.bursts.map(({ factor }) => factor), 1) * (rate.peak / LENGTH_MEAN_S);
  const quiet = rate.peak / LENGTH_MEAN_S;
  for (let atS = -WARM_UP_S; atS < DAY_S; ) {
    const inBurst = options.bursts.some(({ fromS }) => atS >= fromS - 1 && atS < fromS + BURST_S);
    const bound = inBurst ? highest : quiet;
    const step = -Math.log(1 - random()) / bound;
    // Into a burst in small steps: its bound is higher.
    const entering = !inBurst && options.bursts.some(({ fromS }) => atS < fromS - 1 && atS + step > fromS - 1);
    if (entering) {
      atS = Math.min(...options.bursts.map(({ fromS }) => fromS - 1).filter((fromS) => fromS > atS));
      continue;
    }
    atS += step;
    if (atS >= DAY_S || random() * bound >= startRate(atS, rate)) continue;
    const lengthS = Math.max(MINUTE_S / 2, LENGTH_MEDIAN_S * Math.exp(LENGTH_SIGMA * normal(random)));
    const slots = pick(kinds, random()).slots;
    if (atS + lengthS > 0) rooms.push({ id: `r${rooms.length}`, startS: atS, lengthS, slots });
  }
  return rooms;
}

/** Box and Muller. */
const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Rooms lag behind starts, so a day of this curve would not quite reach its peak: how much more has to start. */
function peakCorrection(): number {
  const stepS = 5 * MINUTE_S;
  const alive = (ageS: number) => 1 - normalBelow(Math.log(Math.max(ageS, 1) / LENGTH_MEDIAN_S) / LENGTH_SIGMA);
  let highest = 0;
  for (let atS = 18 * HOUR_S; atS < DAY_S; atS += stepS) {
    let rooms = 0;
    for (let ageS = stepS / 2; ageS < WARM_UP_S; ageS += stepS)
      rooms += startRate(atS - ageS, { peak: 1, bursts: [] }) * alive(ageS) * stepS;
    highest = Math.max(highest, rooms);
  }
  return 1 / highest;
}

/** The normal distribution's share below z (Abramowitz and Stegun 26.2.17, error below 1e-7). */
function normalBelow(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    ((((1.330274429 * t - 1.821255978) * t + 1.781477937) * t - 0.356563782) * t + 0.31938153) *
    t *
    (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI));
  return z > 0 ? 1 - tail : tail;
}

export interface RoomKind {
  name: string;
  share: number;
  slots: number;
}

/** Who streams: chosen. What each costs is the policy's own prediction. */
export function roomKinds(): RoomKind[] {
  const of = (name: string, share: number, people: number, lines: number, ladder: number[] = []): RoomKind => ({
    name,
    share,
    slots: predictSlots(shapeOf(people, lines, ladder)),
  });
  return [
    of('one person, 720p', 0.4, 1, 720),
    of('two people, 720p', 0.25, 2, 720),
    of('four people, 720p', 0.15, 4, 720),
    of('nine people, 720p', 0.05, 9, 720),
    of('one person, 360p', 0.05, 1, 360),
    of('two people, 720p, 480p and 360p', 0.07, 2, 720, [480, 360]),
    of('four people, 1080p, 720p and 360p', 0.03, 4, 1080, [720, 360]),
  ];
}

/** Mbit/s by lines. */
const BITRATES: Record<number, number> = { 1080: 5, 720: 2.5, 480: 1.2, 360: 0.7 };

function shapeOf(people: number, lines: number, ladder: readonly number[]): BroadcastShape {
  const peers = Array.from({ length: people }, (_, i) => ({ id: `p0000000${i}`, name: `${i}` }));
  const video = (height: number) => ({
    id: `v${height}`,
    kind: 'video' as const,
    width: 2 * Math.round((height * 8) / 9),
    height,
    bitrate: (BITRATES[height] ?? 1) * 1e6,
  });
  return {
    composition: {
      scene: Scene.parse({}),
      peers,
      sources: peers.flatMap(({ id }) =>
        (['camera', 'microphone'] as const).map((kind) => ({ id: `${id}.${kind}`, peer: id, kind, paused: false })),
      ),
      active: null,
    },
    renditions: [video(lines), ...ladder.map(video), { id: 'a0', kind: 'audio', bitrate: 128_000 }],
    encoder: { codec: 'libx264', preset: 'veryfast' },
    grid: { fps: 30 },
  };
}

function pick(kinds: readonly RoomKind[], value: number): RoomKind {
  let sum = 0;
  const found = kinds.find(({ share }) => {
    sum += share;
    return value < sum;
  });
  const kind = found ?? kinds.at(-1);
  if (!kind) throw new Error('there are no kinds of rooms');
  return kind;
}
