/** A day as a picture: demand, pods and the ideal above, rooms that wait below. In: what report.ts has, too. Out: an SVG that needs nothing else. */
import { BURST_S, type Burst, DAY_S } from './day.ts';
import type { DayResult, Sample } from './simulate.ts';

export interface PlotOptions {
  slotsPerPod: number;
  bursts: readonly Burst[];
}

const WIDTH = 1000;
const HEIGHT = 660;
const LEFT = 70;
const RIGHT = 34;
/** Two panels, one above the other: top and bottom, px. */
const PODS = { top: 106, bottom: 448 };
const WAITING = { top: 512, bottom: 614 };
const LEGEND = { columns: 3, width: 298, top: 50, row: 22 };
const COLORS = { ready: '#0b62a8', ideal: '#2a8a3e', fixed: '#8a8a8a', waiting: '#c0392b', burst: '#f2cf7a' } as const;
const HOURS = 24;

export function plotDay(day: DayResult, { slotsPerPod, bursts }: PlotOptions): string {
  const { samples } = day;
  const fixed = Math.ceil(day.peakDemand / slotsPerPod);
  const pods = panel(PODS, Math.max(fixed, ...samples.map((s) => s.pods)));
  const waiting = panel(WAITING, Math.max(10, ...samples.map((s) => s.pending)));
  const parts = [
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(LEFT, 28, 'A simulated day of the fleet: pods follow the rooms', 'font-size="19" font-weight="600"'),
    legend(slotsPerPod),
    ...bursts.map((burst) => band(burst)),
    text(LEFT, PODS.top - 8, 'pods', 'fill="#555"'),
    pods.axis,
    rule(pods.y(fixed), COLORS.fixed, 'stroke-dasharray="7 5"'),
    line(samples, (s) => pods.y(s.pods), COLORS.ready, 2),
    line(samples, (s) => pods.y(Math.ceil(s.demand / slotsPerPod)), COLORS.ideal, 2),
    text(LEFT, WAITING.top - 8, 'rooms that wait for a slot (starts and handoffs)', 'fill="#555"'),
    waiting.axis,
    line(samples, (s) => waiting.y(s.pending), COLORS.waiting, 1.6),
    hours(),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="14" fill="#222">
<title>A simulated day of the fleet</title>
${parts.join('\n')}
</svg>
`;
}

const x = (atS: number): number => LEFT + (atS / DAY_S) * (WIDTH - LEFT - RIGHT);
const n = (value: number): string => value.toFixed(1);

/** Scale, grid and labels of one panel; at the top the first round number that is not less than `highest`. */
function panel({ top, bottom }: { top: number; bottom: number }, highest: number) {
  const step = roundStep(highest / ((bottom - top) / 60));
  const end = Math.ceil(highest / step) * step;
  const y = (value: number): number => bottom - (value / end) * (bottom - top);
  const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, i) => i * step);
  const axis = ticks
    .map((value) => {
      const label = text(LEFT - 8, y(value) + 5, value.toLocaleString('en-GB'), 'text-anchor="end" fill="#555"');
      return `${rule(y(value), value === 0 ? '#999' : '#e4e4e4')}${label}`;
    })
    .join('\n');
  return { y, axis };
}

/** 1, 2 or 5 times a power of ten, not less than the value. */
function roundStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10);
}

const text = (atX: number, atY: number, words: string, attributes = ''): string =>
  `<text x="${n(atX)}" y="${n(atY)}" ${attributes}>${words}</text>`;

const rule = (atY: number, color: string, attributes = ''): string =>
  `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${n(atY)}" y2="${n(atY)}" stroke="${color}" ${attributes}/>`;

function line(samples: readonly Sample[], y: (sample: Sample) => number, color: string, width: number): string {
  const points = samples.map((sample) => `${n(x(sample.atS))},${n(y(sample))}`).join(' ');
  return `<polyline points="${points}" fill="none" stroke="${color}" stroke-width="${width}" stroke-linejoin="round"/>`;
}

/** Five minutes are 3 px. */
function band({ fromS }: Burst): string {
  const [left, width] = [x(fromS), Math.max(3, x(fromS + BURST_S) - x(fromS))];
  const height = WAITING.bottom - PODS.top;
  return `<rect x="${n(left)}" y="${PODS.top}" width="${width}" height="${height}" fill="${COLORS.burst}"/>`;
}

function hours(): string {
  const every = 3;
  return Array.from({ length: HOURS / every + 1 }, (_, i) => i * every)
    .map((hour) => {
      const label = `${String(hour).padStart(2, '0')}:00`;
      return text(x(hour * 3600), WAITING.bottom + 22, label, 'text-anchor="middle" fill="#555"');
    })
    .join('\n');
}

function legend(slotsPerPod: number): string {
  const items = [
    { color: COLORS.ready, words: 'pods, each from request to release' },
    { color: COLORS.ideal, words: `ideal: demand / ${slotsPerPod} slots, rounded up` },
    { color: COLORS.fixed, words: 'fixed: enough for the peak, all day', dash: 'stroke-dasharray="7 5"' },
    { color: COLORS.waiting, words: 'rooms that wait' },
    { color: COLORS.burst, words: 'starts × 10 for five minutes', thick: 12 },
  ];
  return items
    .map(({ color, words, dash = '', thick = 3 }, i) => {
      const left = LEFT + (i % LEGEND.columns) * LEGEND.width;
      const y = LEGEND.top + Math.floor(i / LEGEND.columns) * LEGEND.row;
      const mark = `<line x1="${left}" x2="${left + 24}" y1="${y}" y2="${y}" stroke="${color}" stroke-width="${thick}" ${dash}/>`;
      return `${mark}${text(left + 30, y + 5, words)}`;
    })
    .join('\n');
}
