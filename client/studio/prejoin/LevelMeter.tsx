import { useEffect, useRef } from 'preact/hooks';
import { t } from '../../shared/language.ts';
import { watchLevel } from '../media/level.ts';

/** Screen readers get a new number this often, ms: the picture moves with each frame. */
const SPOKEN_EVERY_MS = 1_000;

/** How loud one's microphone is. */
export function LevelMeter({ track }: { track: MediaStreamTrack | null }) {
  const meter = useRef<HTMLDivElement>(null);
  const bar = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (!track) return;
    let spokenAt = 0;
    const speak = (level: number) => meter.current?.setAttribute('aria-valuenow', String(Math.round(level * 100)));
    const stop = watchLevel(track, (level) => {
      if (bar.current) bar.current.style.transform = `scaleX(${level.toFixed(3)})`;
      const now = performance.now();
      if (now - spokenAt < SPOKEN_EVERY_MS) return;
      spokenAt = now;
      speak(level);
    });
    return () => {
      stop();
      speak(0);
    };
  }, [track]);
  return (
    <div>
      {/* biome-ignore lint/a11y/useSemanticElements: <meter> cannot be styled alike in all browsers. */}
      <div
        ref={meter}
        class="level"
        role="meter"
        aria-label={t('prejoin.level')}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={0}
        data-testid="level"
      >
        <span ref={bar} />
      </div>
      {track ? <p class="small muted">{t('prejoin.speak')}</p> : null}
    </div>
  );
}
