import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { formatCount, formatDuration } from '../shared/format.ts';
import { Icon } from '../shared/icons.tsx';
import { language, t } from '../shared/language.ts';
import { ProblemNotice, ProblemPage } from '../shared/ProblemNotice.tsx';
import { TopBar } from '../shared/TopBar.tsx';
import { useNow } from '../shared/useNow.ts';
import { later, loadLater } from './later.ts';
import { Player } from './Player.tsx';
import { openSeat, seat } from './seat.ts';
import type { WatchRoom } from './WatchRoom.ts';

interface Props {
  /** undefined: the address names no room. */
  watch: WatchRoom | undefined;
  /** The address had a token: this person may ask for a seat. */
  invited: boolean;
}

/** `/watch/:room`: the program of a room, for everybody. */
export function WatchPage({ watch, invited }: Props) {
  useEffect(() => () => watch?.close(), [watch]);
  const way = seat.value;
  const onStage = way !== null && typeof way === 'object' && way.onStage.value;
  useEffect(() => {
    // On stage one hears the people themselves, not the program that is seconds behind.
    if (onStage) watch?.close();
  }, [onStage, watch]);
  if (onStage) return <way.Stage studio={way.studio} />;
  const problem = watch ? watch.problem.value : { code: 'bad-room' as const, detail: '' };
  if (!watch || problem)
    return (
      <>
        <TopBar />
        <ProblemPage problem={problem ?? { code: 'bad-room', detail: '' }} />
      </>
    );
  document.title = `${t('watch.title', { room: watch.room })} · Lianmai`;
  return (
    <>
      <TopBar />
      <main class="watch">
        <Player watch={watch} />
        <div class="about">
          <div class="grow">
            <h1 class="room-title">{watch.room}</h1>
            <Since watch={watch} />
          </div>
          <div class="row">
            <Share room={watch.room} />
            {invited || isLoopback(location.hostname) ? (
              <button
                type="button"
                class="button outline slim"
                data-testid="ask-to-join"
                aria-expanded={way !== null}
                onClick={() => void openSeat(watch.room)}
              >
                <Icon name="hand" />
                {t('watch.join')}
              </button>
            ) : null}
          </div>
        </div>
        {way === 'failed' ? <ProblemNotice problem={{ code: 'server-unreachable', detail: '' }} /> : null}
        {way && typeof way === 'object' ? <way.Panel way={way} /> : null}
      </main>
    </>
  );
}

function Share({ room }: { room: string }) {
  const open = useSignal(false);
  const more = later.value;
  return (
    <>
      <button
        type="button"
        class="button outline slim"
        data-testid="share"
        onClick={() => {
          open.value = true;
          void loadLater();
        }}
      >
        <Icon name="link" />
        {t('watch.share.open')}
      </button>
      {open.value && more ? (
        <more.EmbedDialog
          room={room}
          onClose={() => {
            open.value = false;
          }}
        />
      ) : null}
    </>
  );
}

/** On the server's own machine a token is given to whoever asks; elsewhere the button would be a dead end. */
const isLoopback = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127\./.test(host);

function Since({ watch }: { watch: WatchRoom }) {
  const server = watch.server.value;
  const live = server?.state === 'live';
  const now = useNow(live);
  const text =
    server === null || server.startedAt === null
      ? ''
      : live
        ? t('watch.since', { time: formatDuration(now - server.startedAt) })
        : server.state === 'ended' && server.endedAt !== null
          ? t('watch.duration', { time: formatDuration(server.endedAt - server.startedAt) })
          : '';
  return (
    <p class="row muted since">
      {watch.state.value === 'live' && live ? <span class="badge live">{t('watch.live')}</span> : null}
      {text}
      {live && server.viewers > 0 ? (
        <span class="viewers" data-testid="viewers" title={t('watch.viewers', { count: server.viewers })}>
          <Icon name="eye" />
          <span aria-hidden="true">{formatCount(server.viewers, language.value)}</span>
          <span class="visually-hidden">{t('watch.viewers', { count: server.viewers })}</span>
        </span>
      ) : null}
    </p>
  );
}
