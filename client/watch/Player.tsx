import './player/mediaChrome.ts';
import { effect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../shared/icons.tsx';
import { language, t } from '../shared/language.ts';
import { LiveEdge, RecordedTime } from './LiveEdge.tsx';
import { later, loadLater } from './later.ts';
import { Quality } from './Quality.tsx';
import { StatePicture } from './StatePicture.tsx';
import { usePageKeys } from './usePageKeys.ts';
import type { WatchRoom } from './WatchRoom.ts';

interface Props {
  watch: WatchRoom;
  /** Over the picture, in the slots of media-controller. */
  children?: ComponentChildren;
}

/** The picture with its controls, or what there is instead of a picture. */
export function Player({ watch, children }: Props) {
  const frame = useRef<HTMLElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const still = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (video.current && still.current) watch.start(video.current, still.current);
  }, [watch]);
  useWhatComesLater(watch, video);
  const help = usePageKeys(frame, watch);
  const state = watch.state.value;
  // The last frame stays behind a short break; before the first and after the last there is nothing to see.
  const picture = watch.started.value && state !== 'ended' && state !== 'idle' && state !== 'scheduled';
  const more = later.value;
  return (
    <>
      <media-controller
        ref={frame}
        class={`player ${picture ? '' : 'no-picture'}`}
        defaultstreamtype="live"
        hotkeys="noarrowleft noarrowright noc nocc"
        lang={language.value === 'zh' ? 'zh-CN' : 'en'}
        nomutedpref
        novolumepref
        aria-label={t('watch.player', { room: watch.room })}
      >
        {/* biome-ignore lint/a11y/useMediaCaption: captions are in the playlist, where the program has any. */}
        <video ref={video} slot="media" playsInline crossorigin="anonymous" tabIndex={-1} />
        <canvas ref={still} slot="media" class="still" data-testid="still" hidden={!picture || !watch.still.value} />
        <StatePicture watch={watch} />
        {children}
        {watch.silenced.value && picture ? (
          <button
            slot="top-chrome"
            noautohide
            type="button"
            class="button unmute"
            data-testid="unmute"
            onClick={() => watch.unmute()}
          >
            <Icon name="speaker-off" />
            {t('watch.unmute')}
          </button>
        ) : null}
        <div class="chrome" hidden={!picture}>
          {more ? <more.TimeBar watch={watch} /> : null}
          <media-control-bar class="bar">
            <media-play-button notooltip />
            <media-mute-button notooltip />
            <media-volume-range />
            {watch.recorded.value ? <RecordedTime watch={watch} /> : <LiveEdge watch={watch} />}
            <span class="grow" />
            {more ? <more.Captions watch={watch} /> : null}
            <Quality watch={watch} />
            <media-pip-button notooltip />
            <media-fullscreen-button notooltip />
          </media-control-bar>
        </div>
      </media-controller>
      {more && help.value ? (
        <more.KeysHelp
          onClose={() => {
            help.value = false;
          }}
        />
      ) : null}
    </>
  );
}

/** Loads it when the page has come to rest, and tells the server how it goes. */
function useWhatComesLater(watch: WatchRoom, video: { current: HTMLVideoElement | null }): void {
  useEffect(
    () =>
      effect(() => {
        if (watch.state.value !== 'connecting') void loadLater();
      }),
    [watch],
  );
  const more = later.value;
  useEffect(() => {
    if (!more || !video.current) return;
    const beacon = new more.Beacon(watch, video.current);
    return () => beacon.close();
  }, [watch, more]);
}
