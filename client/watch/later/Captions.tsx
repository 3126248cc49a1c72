import './captions.css';
import { t } from '../../shared/language.ts';
import { chooseCaptions } from '../player/captionChoice.ts';
import type { CaptionTrack } from '../player/Engine.ts';
import type { WatchRoom } from '../WatchRoom.ts';

/** Which captions are shown; nothing where the program has none. */
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
      onChange={(event) => chooseCaptions(engine, Number(event.currentTarget.value))}
    >
      <option value="-1">{t('watch.captions.off')}</option>
      {tracks.map((track) => (
        <option key={track.index} value={String(track.index)} lang={isKnown(track) ? track.language : undefined}>
          {isKnown(track) ? track.name : t('watch.captions')}
        </option>
      ))}
    </select>
  );
}

/** Of what is in no language that anybody named, only that it is captions can be said. */
const isKnown = ({ language, name }: CaptionTrack): boolean => language !== 'und' || name !== 'Captions';
