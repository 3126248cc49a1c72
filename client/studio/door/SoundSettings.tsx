import { doorText } from '../doorTexts.ts';
import type { LocalMedia } from '../media/LocalMedia.ts';
import { Switch } from './Switch.tsx';

const SWITCHES = ['echo', 'noise', 'gain'] as const;

/** What the browser does to the microphone's sound; nothing of it in music mode. */
export function SoundSettings({ media }: { media: LocalMedia }) {
  const { settings } = media;
  const music = settings.music.value;
  return (
    <fieldset class="switches">
      <legend>{doorText('sound.title')}</legend>
      {SWITCHES.map((key) => (
        <Switch
          key={key}
          id={`sound-${key}`}
          label={doorText(`sound.${key}`)}
          on={settings.processing.value[key]}
          disabled={music}
          onChange={(on) => void media.setSound(key, on)}
        />
      ))}
      <Switch
        id="sound-music"
        label={doorText('sound.music')}
        hint={doorText('sound.music.hint')}
        on={music}
        onChange={(on) => void media.setSound('music', on)}
      />
    </fieldset>
  );
}
