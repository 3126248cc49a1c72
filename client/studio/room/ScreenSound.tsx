import { deskText } from '../../shared/deskTexts.ts';
import { Dismiss } from '../../shared/InfoNotice.tsx';
import { Icon } from '../../shared/icons.tsx';
import type { LocalMedia } from '../media/LocalMedia.ts';
import { Check } from './scene/SceneFields.tsx';

/** Whether a screen is shared with its sound. */
export function ScreenSoundChoice({ media }: { media: LocalMedia }) {
  return (
    <div class="field">
      <Check
        testId="screen-sound"
        label={deskText('desk.screen.sound')}
        checked={media.screenSound.value}
        onChange={(wanted) => media.wantScreenSound(wanted)}
      />
      <p class="hint small muted">{deskText('desk.screen.sound.hint')}</p>
    </div>
  );
}

/** The screen is shared without the sound that was wanted: why, and what to do. */
export function ScreenSoundMissing({ media }: { media: LocalMedia }) {
  if (!media.soundMissing.value) return null;
  return (
    <div class="notice" role="status" data-testid="screen-sound-missing">
      <Icon name="speaker-off" />
      <div class="grow">
        <strong>{deskText('desk.screen.silent')}</strong>
        <span>{deskText('desk.screen.silent.do')}</span>
        <div class="actions">
          <button type="button" class="button slim" data-testid="share-again" onClick={() => void media.shareScreen()}>
            {deskText('desk.screen.again')}
          </button>
          <Dismiss onClick={() => media.dismissSoundMissing()} />
        </div>
      </div>
    </div>
  );
}
