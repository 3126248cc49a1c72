import { Icon } from '../shared/icons.tsx';
import { t } from '../shared/language.ts';
import { later } from './later.ts';
import type { WatchRoom } from './WatchRoom.ts';

/** What the room does, in words; over the picture, or in its place. */
export function StatePicture({ watch }: { watch: WatchRoom }) {
  const state = watch.state.value;
  return (
    <div
      slot="centered-chrome"
      noautohide
      class={`state state-${state}`}
      data-testid="state"
      data-state={state}
      role="status"
    >
      <Words watch={watch} />
    </div>
  );
}

function Words({ watch }: { watch: WatchRoom }) {
  const state = watch.state.value;
  if (watch.blocked.value)
    return (
      <button type="button" class="button primary large" data-testid="play" onClick={() => void watch.play()}>
        <Icon name="play" />
        {t('watch.play')}
      </button>
    );
  if (state === 'live' || state === 'recorded') return <span class="visually-hidden">{t(`watch.${state}`)}</span>;
  if (state === 'scheduled') return <Scheduled watch={watch} />;
  if (state === 'connecting')
    return (
      <>
        <span class="spinner" />
        <span class="visually-hidden">{t(watch.server.value ? 'watch.starting' : 'watch.connecting')}</span>
      </>
    );
  return (
    <>
      {state === 'reconnecting' ? <span class="spinner" /> : <StateSign ended={state === 'ended'} />}
      <strong>{t(`watch.${state}`)}</strong>
      <span>{t(`watch.${state}.do`)}</span>
      {state === 'reconnecting' ? null : (
        <Replay watch={watch} label={state === 'ended' ? 'watch.replay' : 'watch.replay.last'} />
      )}
    </>
  );
}

/** The words and the countdown come with what is loaded later: nothing is played yet. */
function Scheduled({ watch }: { watch: WatchRoom }) {
  const more = later.value;
  return more ? (
    <>
      <more.Upcoming watch={watch} />
      <Replay watch={watch} label="watch.replay.last" />
    </>
  ) : (
    <span class="spinner" />
  );
}

function Replay({ watch, label }: { watch: WatchRoom; label: 'watch.replay' | 'watch.replay.last' }) {
  if (watch.recording.value === null) return null;
  return (
    <button type="button" class="button replay" data-testid="replay" onClick={() => watch.replay()}>
      <Icon name="play" />
      {t(label)}
    </button>
  );
}

function StateSign({ ended }: { ended: boolean }) {
  return (
    <span class={`state-sign ${ended ? '' : 'waiting'}`}>
      <Icon name={ended ? 'check' : 'broadcast'} />
    </span>
  );
}
