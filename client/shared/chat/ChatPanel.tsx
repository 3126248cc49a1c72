import { formatCount } from '../format.ts';
import { Icon } from '../icons.tsx';
import { language, t } from '../language.ts';
import { ChatAnnouncer } from './ChatAnnouncer.tsx';
import type { ChatClient } from './ChatClient.ts';
import { ChatForm } from './ChatForm.tsx';
import { ChatLog } from './ChatLog.tsx';
import { ReactionBar } from './ReactionBar.tsx';

/** What a host may choose, seconds. */
const SLOW_CHOICES = [0, 5, 10, 30, 60] as const;

interface Props {
  chat: ChatClient;
}

/** The chat of a room: what was said, what a host did, and one's own words. It fills the place that it is given. */
export function ChatPanel({ chat }: Props) {
  const phase = chat.phase.value;
  return (
    <section class="chat" aria-labelledby="chat-title" data-testid="chat" data-phase={phase}>
      <header class="chat-head">
        <h2 id="chat-title">{t('chat.title')}</h2>
        {chat.people.value > 0 ? (
          <span
            class="muted small chat-people"
            data-testid="chat-people"
            title={t('chat.people', { count: chat.people.value })}
          >
            <Icon name="people" />
            <span aria-hidden="true">{formatCount(chat.people.value, language.value)}</span>
            <span class="visually-hidden">{t('chat.people', { count: chat.people.value })}</span>
          </span>
        ) : null}
        <span class="grow" />
        {chat.host ? <SlowMode chat={chat} /> : null}
      </header>
      {phase === 'refused' ? (
        <p class="muted chat-word" data-testid="chat-refused">
          {t('chat.refused')}
        </p>
      ) : (
        <>
          <ChatLog chat={chat} />
          <ChatAnnouncer chat={chat} />
          {phase === 'away' ? (
            <p class="muted small chat-word" role="status">
              {t('chat.away')}
            </p>
          ) : null}
          {phase === 'open' ? (
            <footer class="chat-foot">
              <ReactionBar chat={chat} />
              <ChatForm chat={chat} />
            </footer>
          ) : null}
        </>
      )}
    </section>
  );
}

function SlowMode({ chat }: Props) {
  return (
    <label class="row small muted">
      {t('chat.slow.label')}
      <select
        class="plain"
        data-testid="chat-slow"
        value={String(chat.slowSeconds.value)}
        onChange={(event) => void chat.setSlow(Number(event.currentTarget.value))}
      >
        {SLOW_CHOICES.map((seconds) => (
          <option key={seconds} value={String(seconds)}>
            {seconds === 0 ? t('chat.slow.none') : t('chat.slow.seconds', { seconds })}
          </option>
        ))}
      </select>
    </label>
  );
}
