import { useEffect } from 'preact/hooks';
import { CopyButton } from '../shared/CopyButton.tsx';
import { formatDuration } from '../shared/format.ts';
import { Icon } from '../shared/icons.tsx';
import { t } from '../shared/language.ts';
import { ProblemPage } from '../shared/ProblemNotice.tsx';
import { TopBar } from '../shared/TopBar.tsx';
import { useNow } from '../shared/useNow.ts';
import { Player } from './Player.tsx';
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
            <CopyButton class="outline slim" label={t('watch.share')} text={location.origin + location.pathname} />
            {invited || isLoopback(location.hostname) ? (
              <a class="button outline slim" href={`/studio/${watch.room}?role=audience`} data-testid="ask-to-join">
                <Icon name="hand" />
                {t('watch.join')}
              </a>
            ) : null}
          </div>
        </div>
      </main>
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
    </p>
  );
}
