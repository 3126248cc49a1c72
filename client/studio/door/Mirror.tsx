import { Icon } from '../../shared/icons.tsx';
import { t } from '../../shared/language.ts';
import { doorText } from '../doorTexts.ts';
import type { LocalMedia } from '../media/LocalMedia.ts';
import { TrackVideo } from '../media/TrackVideo.tsx';

/** Oneself, as one will be seen; on a phone with the way to the camera on its other side. */
export function Mirror({ media }: { media: LocalMedia }) {
  const camera = media.camera.value;
  const preparing = media.background.state.value === 'starting';
  return (
    <section class="mirror" aria-label={t('prejoin.preview')}>
      {camera ? (
        <TrackVideo track={camera} mirrored={media.mirrored.value} label={t('prejoin.preview')} />
      ) : (
        <p class="muted" role="status">
          {preparing
            ? doorText('blur.starting')
            : t(media.starting.value ? 'prejoin.preview.starting' : 'prejoin.preview.off')}
        </p>
      )}
      {media.canFlip.value ? (
        <button
          type="button"
          class="control flip"
          data-testid="flip"
          aria-label={doorText('device.flip')}
          title={doorText('device.flip')}
          onClick={() => void media.flip()}
        >
          <Icon name="flip" />
        </button>
      ) : null}
    </section>
  );
}
