import { InfoNotice } from '../../shared/InfoNotice.tsx';
import { doorText } from '../doorTexts.ts';
import type { DeviceNews as News } from '../media/DeviceFollower.ts';
import type { LocalMedia } from '../media/LocalMedia.ts';

const sentence = (news: News): string => {
  if (news.code === 'back') return doorText(`device.back.${news.kind}`, { label: news.label });
  const { kind, label, lost } = news;
  return lost === ''
    ? doorText(`device.found.${kind}`, { label })
    : doorText(`device.replaced.${kind}`, { label, lost });
};

/** What became by itself of a device that was plugged in or out, and of a blur that does not run. */
export function DeviceNews({ media }: { media: LocalMedia }) {
  const news = media.follower.news.value;
  const background = media.background.state.value;
  return (
    <>
      {news ? (
        <InfoNotice
          testId="device-news"
          onClose={() => {
            media.follower.news.value = null;
          }}
        >
          <span class="grow">{sentence(news)}</span>
        </InfoNotice>
      ) : null}
      {background === 'starting' && media.camera.value ? (
        <p class="small muted" role="status">
          {doorText('blur.starting')}
        </p>
      ) : null}
      {background === 'slow' || background === 'failed' ? (
        <InfoNotice testId="blur-news" onClose={() => media.setBlur(false)}>
          <span class="grow">{doorText(`blur.${background}`)}</span>
        </InfoNotice>
      ) : null}
    </>
  );
}
