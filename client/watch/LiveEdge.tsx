import { formatDuration } from '../shared/format.ts';
import { t } from '../shared/language.ts';
import { away } from './edge.ts';
import type { WatchRoom } from './WatchRoom.ts';

/** From here on tenths say nothing, seconds. */
const LONG_SECONDS = 20;

/** How far behind the live edge the viewer is, and the way back. */
export function LiveEdge({ watch }: { watch: WatchRoom }) {
  const latency = watch.engine.value?.latency.value ?? null;
  const isAway = away(watch);
  const label = isAway ? t('watch.back') : t('watch.live');
  return (
    <button
      type="button"
      class={`edge ${isAway ? 'away' : ''}`}
      data-testid="back-to-live"
      data-live={!isAway}
      aria-label={isAway ? t('watch.back') : t('watch.atlive')}
      onClick={() => watch.seekToLive()}
    >
      <span class="dot" />
      {label}
      {latency === null ? null : (
        <span class="latency" data-testid="latency" title={t('watch.latency', { seconds: latency.toFixed(1) })}>
          {latency < LONG_SECONDS ? `${latency.toFixed(1)} s` : `−${formatDuration(latency * 1000)}`}
        </span>
      )}
    </button>
  );
}

/** Of a recording: where it is, and how long it is. */
export function RecordedTime({ watch }: { watch: WatchRoom }) {
  const timeline = watch.engine.value?.timeline.value;
  if (!timeline) return null;
  const { start, end } = timeline;
  return (
    <span class="recorded-time" data-testid="recorded-time">
      {formatDuration((watch.position.value - start) * 1000)} / {formatDuration((end - start) * 1000)}
    </span>
  );
}
