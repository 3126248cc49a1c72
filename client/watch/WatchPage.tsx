import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { ChatClient, ChatWish } from '../shared/chat/ChatClient.ts';
import { chatCode, useChat } from '../shared/chat/loadChat.ts';
import { formatCount, formatDuration } from '../shared/format.ts';
import { Icon } from '../shared/icons.tsx';
import { language, t } from '../shared/language.ts';
import { ProblemNotice, ProblemPage } from '../shared/ProblemNotice.tsx';
import { remembered } from '../shared/storage.ts';
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
  /** With what this person comes to the chat. */
  tokens: Omit<ChatWish, 'room'>;
}

/** `/watch/:room`: the program of a room, for everybody. */
export function WatchPage({ watch, invited, tokens }: Props) {
  useEffect(() => () => watch?.close(), [watch]);
  const way = seat.value;
  const Stage = way !== null && typeof way === 'object' && way.onStage.value ? way.stage.value : null;
  const onStage = Stage !== null;
  useEffect(() => {
    // On stage one hears the people themselves, not the program that is seconds behind.
    if (onStage) watch?.close();
  }, [onStage, watch]);
  const chat = useSignal<ChatClient | null>(null);
  const chatting = useSignal(remembered.get('chat') !== 'off');
  // The picture comes first: nothing of the chat is loaded before the page has come to rest.
  const rested = useRef(false);
  if (watch && watch.state.value !== 'connecting') rested.current = true;
  const wish = useMemo(
    () => (watch && rested.current && chatting.value && !onStage ? { room: watch.room, ...tokens } : null),
    [watch, rested.current, chatting.value, onStage],
  );
  useChat(wish, (next) => {
    chat.value = next;
  });
  const more = chatCode.value;
  // The studio has a chat of its own.
  if (Stage && typeof way === 'object' && way) return <Stage studio={way.studio} />;
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
      <div class={`watch-page ${chatting.value ? 'with-chat' : ''}`}>
        <main class="watch">
          <div class="picture">
            <Player watch={watch} />
            {more && chat.value ? <more.FloatingReactions chat={chat.value} /> : null}
          </div>
          <div class="about">
            <div class="grow">
              <h1 class="room-title">{watch.room}</h1>
              <Since watch={watch} />
            </div>
            <div class="row wrap">
              <button
                type="button"
                class="button outline slim"
                data-testid="chat-toggle"
                onClick={() => {
                  chatting.value = !chatting.value;
                  remembered.set('chat', chatting.value ? 'on' : 'off');
                }}
              >
                <Icon name="chat" />
                {t(chatting.value ? 'chat.hide' : 'chat.show')}
              </button>
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
        {chatting.value ? (
          <aside class="chat-place" aria-label={t('chat.title')}>
            {more && chat.value ? <more.ChatPanel chat={chat.value} /> : null}
          </aside>
        ) : null}
      </div>
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
