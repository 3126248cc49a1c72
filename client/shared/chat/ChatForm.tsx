import { useSignal } from '@preact/signals';
import { CHAT_TEXT_LENGTH, NAME_LENGTH } from '../contract.ts';
import { Icon } from '../icons.tsx';
import { t } from '../language.ts';
import { remembered } from '../storage.ts';
import { useNow } from '../useNow.ts';
import type { ChatClient } from './ChatClient.ts';
import { lengthOf } from './lengthOf.ts';

/** From here on it is said how many characters are left. */
const SAY_LEFT = 100;

/** One's own words; a guest first takes a name. */
export function ChatForm({ chat }: { chat: ChatClient }) {
  const renaming = useSignal(false);
  const self = chat.self.value;
  const now = useNow(chat.outUntil.value > 0);
  if (!self && !chat.guests.value) return <p class="muted small">{t('chat.guest.none')}</p>;
  if (!self || renaming.value)
    return (
      <NameForm
        chat={chat}
        onDone={() => {
          renaming.value = false;
        }}
      />
    );
  if (chat.outUntil.value > now)
    return (
      <p class="notice small" role="status" data-testid="chat-out">
        {t('chat.out.self', { time: lengthOf((chat.outUntil.value - now) / 1000) })}
      </p>
    );
  return (
    <>
      <WordsForm chat={chat} />
      {self.role === 'guest' ? (
        <p class="row small muted chat-as">
          <span class="grow">{t('chat.as', { name: self.name })}</span>
          <button
            type="button"
            class="button slim"
            onClick={() => {
              renaming.value = true;
            }}
          >
            {t('chat.guest.rename')}
          </button>
        </p>
      ) : null}
    </>
  );
}

function NameForm({ chat, onDone }: { chat: ChatClient; onDone: () => void }) {
  const name = useSignal(chat.self.value?.name ?? remembered.get('name') ?? '');
  const fault = useSignal('');
  const take = async () => {
    if (name.value.trim() === '') return;
    const taken = await chat.takeName(name.value.trim());
    fault.value = taken === true ? '' : faultOf(taken);
    if (taken === true) onDone();
  };
  return (
    <form
      class="chat-form"
      onSubmit={(event) => {
        event.preventDefault();
        void take();
      }}
    >
      <label class="small" for="chat-name">
        {t('chat.guest.name')}
      </label>
      <div class="row">
        <input
          id="chat-name"
          class="input"
          data-testid="chat-name"
          autocomplete="nickname"
          maxLength={NAME_LENGTH}
          value={name.value}
          onInput={(event) => {
            name.value = event.currentTarget.value;
          }}
        />
        <button type="submit" class="button primary" data-testid="chat-join" disabled={name.value.trim() === ''}>
          {t('chat.guest.join')}
        </button>
      </div>
      <Fault text={fault.value} />
    </form>
  );
}

function WordsForm({ chat }: { chat: ChatClient }) {
  const text = useSignal('');
  const fault = useSignal('');
  const busy = useSignal(false);
  const left = CHAT_TEXT_LENGTH - text.value.length;
  const send = async () => {
    const words = text.value.trim();
    if (words === '' || busy.value) return;
    busy.value = true;
    const sent = await chat.send(words);
    busy.value = false;
    fault.value = sent === true ? '' : faultOf(sent);
    // What was typed meanwhile is another message.
    if (sent === true && text.value.trim() === words) text.value = '';
  };
  return (
    <form
      class="chat-form"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {chat.slowSeconds.value > 0 ? (
        <p class="small muted">{t('chat.slow.on', { seconds: chat.slowSeconds.value })}</p>
      ) : null}
      <div class="row">
        <input
          class="input"
          data-testid="chat-text"
          aria-label={t('chat.text')}
          placeholder={t('chat.text')}
          autocomplete="off"
          enterkeyhint="send"
          maxLength={CHAT_TEXT_LENGTH}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
        <button
          type="submit"
          class="button primary icon-only"
          data-testid="chat-send"
          aria-label={t('chat.send')}
          disabled={text.value.trim() === ''}
        >
          <Icon name="send" />
        </button>
      </div>
      {left <= SAY_LEFT ? <p class="small muted">{t('chat.left', { count: left })}</p> : null}
      <Fault text={fault.value} />
    </form>
  );
}

function Fault({ text }: { text: string }) {
  return text === '' ? null : (
    <p class="small chat-fault" role="alert" data-testid="chat-fault">
      {text}
    </p>
  );
}

const faultOf = (code: string): string => t(code === 'too-many' ? 'chat.fault.too-many' : 'chat.fault.other');
