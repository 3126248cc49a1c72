/** The bar of what can be gone back to, with a picture of the moment that is pointed at. */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { t } from '../../shared/language.ts';
import { away, targetLatency } from '../edge.ts';
import type { WatchRoom } from '../WatchRoom.ts';
import { type Bar, barOf, programSeconds, timeLabel } from './barTime.ts';
import { type Thumbnail, ThumbnailTrack, thumbnailAt } from './thumbnails.ts';

/** What an arrow key goes, and Page Up and Down, seconds. */
const STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -5,
  ArrowDown: -5,
  ArrowRight: 5,
  ArrowUp: 5,
  PageDown: -30,
  PageUp: 30,
};

export function TimeBar({ watch }: { watch: WatchRoom }) {
  const tracks = useRef(new ThumbnailTrack());
  /** What is pointed at, or dragged to, seconds of the media; null: nothing. */
  const pointed = useSignal<number | null>(null);
  const dragged = useSignal<number | null>(null);
  const timeline = watch.engine.value?.timeline.value;
  const live = !watch.recorded.value;
  const bar = timeline
    ? barOf(timeline, watch.position.value, { live, target: targetLatency(watch), away: away(watch) })
    : null;
  if (!timeline || !bar) return null;
  const value = dragged.value ?? bar.value;
  const shown = dragged.value ?? pointed.value;
  const base = watch.mediaBase.value;
  const startedAt = live ? (watch.server.value?.startedAt ?? null) : null;
  const thumbnail =
    shown === null
      ? undefined
      : thumbnailAt(
          tracks.current.look(base === null ? null : `${base}/thumbnails.vtt`, live),
          programSeconds(timeline, shown, startedAt),
        );
  const go = (seconds: number): void => {
    if (live && seconds >= bar.max - 0.5) watch.seekToLive();
    else watch.seekTo(Math.max(bar.min, seconds));
  };
  return (
    <div class="timebar">
      {shown === null ? null : <Preview bar={bar} seconds={shown} live={live} thumbnail={thumbnail} />}
      <input
        type="range"
        class="time-range"
        data-testid="time-bar"
        aria-label={t('watch.position')}
        aria-valuetext={
          live && !away(watch) ? t('watch.atlive') : t('watch.position.at', { time: timeLabel(bar, value, live) })
        }
        min={bar.min}
        max={bar.max}
        step="0.1"
        value={value}
        style={{ '--at': `${(shareOf(bar, value) * 100).toFixed(2)}%` }}
        onInput={(event) => {
          dragged.value = Number(event.currentTarget.value);
        }}
        onChange={(event) => {
          dragged.value = null;
          go(Number(event.currentTarget.value));
        }}
        onKeyDown={(event) => {
          const step = STEPS[event.key];
          if (step === undefined) return;
          event.preventDefault();
          go(Math.min(bar.max, bar.value + step));
        }}
        onPointerMove={(event) => {
          const { left, width } = event.currentTarget.getBoundingClientRect();
          const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
          pointed.value = bar.min + share * (bar.max - bar.min);
        }}
        onPointerLeave={() => {
          pointed.value = null;
        }}
      />
    </div>
  );
}

const shareOf = ({ min, max }: Bar, seconds: number): number => Math.min(1, Math.max(0, (seconds - min) / (max - min)));

interface PreviewProps {
  bar: Bar;
  seconds: number;
  live: boolean;
  thumbnail: Thumbnail | undefined;
}

/** Beside the pointer; nobody needs to hear it, since the bar says its own value. */
function Preview({ bar, seconds, live, thumbnail }: PreviewProps) {
  return (
    <div
      class="time-preview"
      data-testid="time-preview"
      aria-hidden="true"
      style={{ '--at': `${(shareOf(bar, seconds) * 100).toFixed(2)}%` }}
    >
      {thumbnail ? (
        <span
          class="thumbnail"
          data-testid="thumbnail"
          style={{
            width: `${thumbnail.width}px`,
            height: `${thumbnail.height}px`,
            backgroundImage: `url("${thumbnail.url}")`,
            backgroundPosition: `-${thumbnail.x}px -${thumbnail.y}px`,
          }}
        />
      ) : null}
      <span>{timeLabel(bar, seconds, live)}</span>
    </div>
  );
}
