import './player/mediaChrome.ts';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../shared/icons.tsx';
import { language, t } from '../shared/language.ts';
import { usePageKeys } from './usePageKeys.ts';
import type { WatchRoom } from './WatchRoom.ts';

/** This close to where the player wants to be counts as live, seconds. */
const AT_EDGE_SECONDS = 3;

/** The picture with its controls, or what there is instead of a picture. */
export function Player({ watch }: { watch: WatchRoom }) {
  const frame = useRef<HTMLElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) watch.start(video.current);
  }, [watch]);
  usePageKeys(frame, watch);
  const state = watch.state.value;
  // The last frame stays behind a short break; before the first and after the last there is nothing to see.
  const picture = watch.started.value && state !== 'ended' && state !== 'idle';
  return (
    <media-controller
      ref={frame}
      class={`player ${picture ? '' : 'no-picture'}`}
      defaultstreamtype="live"
      hotkeys="noarrowleft noarrowright noc nocc"
      lang={language.value === 'zh' ? 'zh-CN' : 'en'}
      nomutedpref
      aria-label={t('watch.player', { room: watch.room })}
    >
      {/* biome-ignore lint/a11y/useMediaCaption: a live program of this server has no captions yet. */}
      <video ref={video} slot="media" playsInline crossorigin="anonymous" tabIndex={-1} />
      <StatePicture watch={watch} />
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
      <media-control-bar class="bar" hidden={!picture}>
        <media-play-button notooltip />
        <media-mute-button notooltip />
        <media-volume-range />
        <LiveEdge watch={watch} />
        <span class="grow" />
        <Quality watch={watch} />
        <media-pip-button notooltip />
        <media-fullscreen-button notooltip />
      </media-control-bar>
    </media-controller>
  );
}

/** What the room does, in words; over the picture, or in its place. */
function StatePicture({ watch }: { watch: WatchRoom }) {
  const state = watch.state.value;
  const blocked = watch.blocked.value;
  return (
    <div
      slot="centered-chrome"
      noautohide
      class={`state state-${state}`}
      data-testid="state"
      data-state={state}
      role="status"
    >
      {blocked ? (
        <button type="button" class="button primary large" data-testid="play" onClick={() => void watch.play()}>
          <Icon name="play" />
          {t('watch.play')}
        </button>
      ) : state === 'live' ? (
        <span class="visually-hidden">{t('watch.live')}</span>
      ) : state === 'connecting' ? (
        <>
          <span class="spinner" />
          <span class="visually-hidden">{t(watch.server.value ? 'watch.starting' : 'watch.connecting')}</span>
        </>
      ) : (
        <>
          {state === 'reconnecting' ? <span class="spinner" /> : <StateSign ended={state === 'ended'} />}
          <strong>{t(`watch.${state}`)}</strong>
          <span>{t(`watch.${state}.do`)}</span>
        </>
      )}
    </div>
  );
}

function StateSign({ ended }: { ended: boolean }) {
  return (
    <span class={`state-sign ${ended ? '' : 'waiting'}`}>
      <Icon name={ended ? 'check' : 'broadcast'} />
    </span>
  );
}

/** How far behind the live edge the viewer is, and the way back. */
function LiveEdge({ watch }: { watch: WatchRoom }) {
  const latency = watch.engine.value?.latency.value ?? null;
  const target = watch.hlsStats.targetLatency ?? 2;
  const away = watch.paused.value || (latency !== null && latency > target + AT_EDGE_SECONDS);
  const label = away ? t('watch.back') : t('watch.live');
  return (
    <button
      type="button"
      class={`edge ${away ? 'away' : ''}`}
      data-testid="back-to-live"
      data-live={!away}
      aria-label={away ? t('watch.back') : t('watch.atlive')}
      onClick={() => watch.seekToLive()}
    >
      <span class="dot" />
      {label}
      {latency === null ? null : (
        <span class="latency" data-testid="latency" title={t('watch.latency', { seconds: latency.toFixed(1) })}>
          {latency.toFixed(1)} s
        </span>
      )}
    </button>
  );
}

function Quality({ watch }: { watch: WatchRoom }) {
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
