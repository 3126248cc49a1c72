import { t } from '../../shared/language.ts';
import type { WatchRoom } from '../WatchRoom.ts';

/** Which subtitles are shown; nothing where the program has none. */
export function Captions({ watch }: { watch: WatchRoom }) {
  const engine = watch.engine.value;
  const tracks = engine?.captions.value ?? [];
  if (!engine || tracks.length === 0) return null;
  return (
    <select
      class="quality"
      data-testid="captions"
      aria-label={t('watch.captions')}
      value={String(engine.chosenCaptions.value)}
      onChange={(event) => engine.setCaptions(Number(event.currentTarget.value))}
    >
      <option value="-1">{t('watch.captions.off')}</option>
      {tracks.map(({ index, name }) => (
        <option key={index} value={String(index)}>
          {name}
        </option>
      ))}
    </select>
  );
}
