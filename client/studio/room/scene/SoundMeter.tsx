import { useEffect, useRef } from 'preact/hooks';
import { deskText } from '../../../shared/deskTexts.ts';
import { formatDecibels } from '../../../shared/format.ts';
import { fallTo, meterOf, SILENCE_DB, watchDecibels } from '../../media/level.ts';
import { PeakHold } from '../../media/PeakHold.ts';

/** Who asks a screen reader for the level hears one that is at most this old, ms: nothing is said by itself. */
const TOLD_EVERY_MS = 1_000;
/** Below this nobody would call it sound, as a level of 0 to 1. */
const QUIET = 0.03;

interface Props {
  /** null: nothing is sent. */
  track: MediaStreamTrack | null;
  /** What the scene makes it louder by, decibels. */
  gainDb: number;
  /** It is in the program's sound. */
  heard: boolean;
  label: string;
}

/** How loud a source is after its volume; dim while it is out of the program. It moves without any component being drawn. */
export function SoundMeter({ track, gainDb, heard, label }: Props) {
  const meter = useRef<HTMLDivElement>(null);
  const bar = useRef<HTMLSpanElement>(null);
  const hold = useRef<HTMLSpanElement>(null);
  const settings = useRef({ gainDb, heard });
  settings.current = { gainDb, heard };
  useEffect(() => {
    const element = meter.current;
    if (!element || !track) return;
    const peak = new PeakHold();
    let [shown, last, toldAt, loudest] = [0, performance.now(), 0, SILENCE_DB];
    // By what needs no layout: sixteen of them move at once.
    const draw = (level: number, top: number) => {
      if (bar.current) bar.current.style.transform = `scaleX(${(1 - level).toFixed(3)})`;
      if (hold.current) hold.current.style.transform = `translateX(${(top * 100).toFixed(1)}%)`;
    };
    const stop = watchDecibels(track, (raw, now) => {
      const db = raw + settings.current.gainDb;
      shown = fallTo(meterOf(db), shown, now - last);
      last = now;
      draw(shown, peak.next(shown, now));
      loudest = Math.max(loudest, db);
      if (now - toldAt < TOLD_EVERY_MS) return;
      toldAt = now;
      tell(element, loudest, settings.current.heard);
      loudest = SILENCE_DB;
    });
    return () => {
      stop();
      draw(0, 0);
      tell(element, SILENCE_DB, settings.current.heard);
    };
  }, [track]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: <meter> has no peak, and cannot be styled alike in all browsers.
    <div
      ref={meter}
      class="sound-meter"
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={0}
      data-testid="sound-meter"
      data-heard={heard}
    >
      <span ref={bar} class="cover" />
      <span ref={hold} class="peak" />
    </div>
  );
}

/** The loudest since it was told last: between two words of a sentence nobody is silent. */
function tell(element: HTMLElement, db: number, heard: boolean): void {
  const level = meterOf(db);
  element.setAttribute('aria-valuenow', String(Math.round(level * 100)));
  const loud = level < QUIET ? deskText('desk.meter.silent') : formatDecibels(db);
  element.setAttribute('aria-valuetext', heard ? loud : deskText('desk.meter.out', { level: loud }));
}
