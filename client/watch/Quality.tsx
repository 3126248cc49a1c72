import { t } from '../shared/language.ts';
import type { WatchRoom } from './WatchRoom.ts';

/** Which quality is played; by itself, or as the person says. */
export function Quality({ watch }: { watch: WatchRoom }) {
  const engine = watch.engine.value;
  const levels = engine?.levels.value ?? [];
  if (!engine || levels.length === 0) return null;
  const height = engine.height.value;
  return (
    <select
      class="quality"
      data-testid="quality"
      aria-label={t('watch.quality')}
      value={String(engine.chosenLevel.value)}
      onChange={(event) => engine.setLevel(Number(event.currentTarget.value))}
    >
      <option value="-1">{height ? t('watch.quality.auto.now', { height }) : t('watch.quality.auto')}</option>
      {levels.map((level) => (
        <option key={level.index} value={String(level.index)}>
          {level.height}p
        </option>
      ))}
    </select>
  );
}
