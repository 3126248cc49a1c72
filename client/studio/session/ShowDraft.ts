/** What a host chooses before going live. Remembered by this browser, but for destinations: they hold stream keys. */
import { signal } from '@preact/signals';
import { remembered } from '../../shared/storage.ts';
import type { DestinationDraft } from '../room/destinations.ts';
import { captionLanguage } from './captionSettings.ts';

/** Seconds; 0: none. */
export const COUNTDOWNS = [0, 3, 5, 10] as const;
export const DVR_SECONDS = [0, 1800, 7200, 21_600] as const;

/** Pictures to choose from: the shorter side, frames a second, bits a second. */
export const QUALITIES = {
  '1080p30': { lines: 1080, fps: 30, bitrate: 4_500_000 },
  '720p60': { lines: 720, fps: 60, bitrate: 4_000_000 },
  '720p30': { lines: 720, fps: 30, bitrate: 2_500_000 },
  '480p30': { lines: 480, fps: 30, bitrate: 1_200_000 },
  '360p30': { lines: 360, fps: 30, bitrate: 700_000 },
} as const;
export type Quality = keyof typeof QUALITIES;
export const QUALITY_NAMES = Object.keys(QUALITIES) as Quality[];

/** Smaller sizes beside each picture, by its shorter side. */
const LADDER: Readonly<Record<number, number[]>> = { 1080: [720, 360], 720: [360], 480: [240], 360: [180] };
/** Who schedules a broadcast need not be there at its start: so long it shows the slate, s. */
const SCHEDULED_GRACE_SECONDS = 900;

const oneOf = <T>(all: readonly T[], kept: string | undefined, otherwise: T): T =>
  all.find((one) => String(one) === kept) ?? otherwise;

export class ShowDraft {
  readonly destinations = signal<readonly DestinationDraft[]>([]);
  readonly countdown = signal(oneOf(COUNTDOWNS, remembered.get('countdown'), 0));
  readonly record = signal(remembered.get('record') === 'true');
  readonly quality = signal<Quality>(oneOf(QUALITY_NAMES, remembered.get('show-quality'), '720p30'));
  readonly portrait = signal(remembered.get('portrait') === 'true');
  readonly ladder = signal(remembered.get('ladder') === 'true');
  readonly dvr = signal(oneOf(DVR_SECONDS, remembered.get('dvr'), 0));

  remember(): void {
    remembered.set('countdown', String(this.countdown.value));
    remembered.set('record', String(this.record.value));
    remembered.set('show-quality', this.quality.value);
    remembered.set('portrait', String(this.portrait.value));
    remembered.set('ladder', String(this.ladder.value));
    remembered.set('dvr', String(this.dvr.value));
  }

  /** Pixels, frames a second, bits a second. */
  get video(): { width: number; height: number; fps: 30 | 60; bitrate: number } {
    const { lines, fps, bitrate } = QUALITIES[this.quality.value];
    const long = Math.round((lines * 16) / 9 / 2) * 2;
    return { ...(this.portrait.value ? { width: lines, height: long } : { width: long, height: lines }), fps, bitrate };
  }

  /** What the server is told, beside destinations. */
  settings({ scheduled }: { scheduled: boolean }) {
    const { lines } = QUALITIES[this.quality.value];
    return {
      video: this.video,
      record: this.record.value,
      dvrSeconds: this.dvr.value,
      captions: [{ language: captionLanguage() }],
      renditions: this.ladder.value ? (LADDER[lines] ?? []).map((height) => ({ height })) : [],
      ...(scheduled ? { emptyGraceSeconds: SCHEDULED_GRACE_SECONDS } : {}),
    };
  }
}
