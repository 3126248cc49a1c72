import { doorText } from '../doorTexts.ts';
import { DeviceSelects } from '../media/DeviceSelects.tsx';
import type { LocalMedia } from '../media/LocalMedia.ts';
import { LevelMeter } from '../prejoin/LevelMeter.tsx';
import { PictureSettings } from './PictureSettings.tsx';
import { SoundSettings } from './SoundSettings.tsx';
import { SpeakerCheck } from './SpeakerCheck.tsx';

/** Everything about one's devices: which, how loud, heard or not, and how the picture and the sound are to be. */
export function DoorDevices({ media }: { media: LocalMedia }) {
  return (
    <>
      <DeviceSelects media={media} />
      <LevelMeter track={media.microphone.value} />
      <SpeakerCheck media={media} />
      <details class="more">
        <summary data-testid="more-settings">{doorText('more.title')}</summary>
        <div class="stack">
          <PictureSettings media={media} />
          <SoundSettings media={media} />
        </div>
      </details>
    </>
  );
}
