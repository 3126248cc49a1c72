import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { ChatMessage } from '../../../src/contracts/chat.ts';
import { hueOf } from '../format.ts';
import { Icon } from '../icons.tsx';
import { language, t } from '../language.ts';
import type { ChatClient, ChatLine } from './ChatClient.ts';
import { lengthOf } from './lengthOf.ts';

/** So far from the end counts as at the end, pixels. */
const AT_END_PX = 40;
/** As short as it can be: it stands before each line. */
const TIME = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
/** How long a host may pause somebody by one click, seconds. */
const PAUSES = [60, 600, 3600] as const;

/** The lines, oldest first. It stays at the newest one, unless somebody has gone back to read. */
export function ChatLog({ chat }: { chat: ChatClient }) {
  const list = useRef<HTMLOListElement>(null);
  const back = useSignal(false);
  const lines = chat.lines.value;
  const toEnd = () => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
    back.value = false;
  };
  useEffect(() => {
    if (!back.value) toEnd();
  }, [lines]);
  useEffect(() => {
    chat.seen();
  }, [chat, lines]);
  const onScroll = () => {
    const { scrollTop = 0, scrollHeight = 0, clientHeight = 0 } = list.current ?? {};
    back.value = scrollHeight - scrollTop - clientHeight > AT_END_PX;
  };
  return (
    <div class="chat-log">
      <ol
        ref={list}
        class="chat-lines"
        aria-label={t('chat.log')}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled with the keyboard.
        tabIndex={0}
        onScroll={onScroll}
        data-testid="chat-lines"
      >
        {lines.length === 0 ? (
          <li class="muted chat-word">{chat.phase.value === 'connecting' ? t('chat.connecting') : t('chat.empty')}</li>
        ) : null}
        {lines.map((line) => (
          <Line key={line.key} chat={chat} line={line} />
        ))}
      </ol>
      {back.value ? (
        <button type="button" class="button slim chat-newer" data-testid="chat-newer" onClick={toEnd}>
          <Icon name="down" />
          {t('chat.newer')}
        </button>
      ) : null}
    </div>
  );
}

function Line({ chat, line }: { chat: ChatClient; line: ChatLine }) {
  if (line.kind === 'message') return <Message chat={chat} message={line.message} deleted={line.deleted} />;
  if (line.kind === 'slow')
    return (
      <li class="chat-notice small muted">
        {line.seconds > 0 ? t('chat.slow.on', { seconds: line.seconds }) : t('chat.slow.off')}
      </li>
    );
  const name = line.name || t('chat.out.someone');
  return (
    <li class="chat-notice small muted" data-testid="chat-timeout">
      <span>
        {line.seconds > 0 ? t('chat.out.other', { name, time: lengthOf(line.seconds) }) : t('chat.out.back', { name })}
      </span>
      {chat.host && line.seconds > 0 ? (
        <button
          type="button"
          class="button slim"
          data-testid="chat-lift"
          onClick={() => void chat.timeOut(line.person, 0)}
        >
          {t('chat.out.lift')}
        </button>
      ) : null}
    </li>
  );
}

function Message({ chat, message, deleted }: { chat: ChatClient; message: ChatMessage; deleted: boolean }) {
  const open = useSignal(false);
  const { name, role, text, person, at } = message;
  const own = person === chat.self.value?.person;
  const mayModerate = !deleted && (own || (chat.host && role !== 'host'));
  return (
    <li
      class={`chat-line ${own ? 'own' : ''}`}
      data-testid="chat-message"
      onKeyDown={(event) => {
        if (event.key === 'Escape') open.value = false;
      }}
    >
      <div class="chat-said">
        <time class="muted" dateTime={new Date(at).toISOString()}>
          {new Intl.DateTimeFormat(language.value, TIME).format(at)}
        </time>{' '}
        <bdi class="chat-name" style={{ '--hue': hueOf(person) }}>
          {name}
        </bdi>
        {role === 'host' || role === 'cohost' ? (
          <span class={`chat-role ${role}`}>{t(`chat.role.${role}`)}</span>
        ) : null}{' '}
        {deleted ? <em class="muted">{t('chat.deleted')}</em> : <bdi class="chat-text">{text}</bdi>}
      </div>
      {mayModerate ? (
        <button
          type="button"
          class="button icon-only slim chat-more"
          data-testid="chat-more"
          aria-label={own ? t('chat.menu.own') : t('chat.menu', { name })}
          aria-expanded={open.value}
          onClick={() => {
            open.value = !open.value;
          }}
        >
          <Icon name="more" />
        </button>
      ) : null}
      {mayModerate && open.value ? <Moderation chat={chat} message={message} own={own} /> : null}
    </li>
  );
}

function Moderation({ chat, message, own }: { chat: ChatClient; message: ChatMessage; own: boolean }) {
  const first = useRef<HTMLButtonElement>(null);
  useEffect(() => first.current?.focus(), []);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would be of a form.
    <div
      class="chat-actions"
      role="group"
      aria-label={own ? t('chat.menu.own') : t('chat.menu', { name: message.name })}
    >
      <button
        ref={first}
        type="button"
        class="button slim"
        data-testid="chat-delete"
        onClick={() => void chat.delete(message.id)}
      >
        {t('chat.menu.delete')}
      </button>
      {own
        ? null
        : PAUSES.map((seconds) => (
            <button
              key={seconds}
              type="button"
              class="button slim"
              data-testid={`chat-pause-${seconds}`}
              onClick={() => void chat.timeOut(message.person, seconds)}
            >
              {t('chat.menu.pause', { time: lengthOf(seconds) })}
            </button>
          ))}
    </div>
  );
}
