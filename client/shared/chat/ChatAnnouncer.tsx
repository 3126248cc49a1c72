import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { t } from '../language.ts';
import type { ChatClient } from './ChatClient.ts';

/** Between two words to a screen reader, ms: a busy chat is not to be read out line by line. */
const EVERY_MS = 5_000;
/** So many are read out whole. */
const WHOLE = 2;

/** Says what is new to who hears the page. */
export function ChatAnnouncer({ chat }: { chat: ChatClient }) {
  const said = useSignal('');
  useEffect(() => {
    let known = new Set(chat.lines.value.map(({ key }) => key));
    const timer = setInterval(() => {
      const fresh = chat.lines.value.flatMap((line) =>
        line.kind === 'message' && !line.deleted && !known.has(line.key) ? line.message : [],
      );
      known = new Set(chat.lines.value.map(({ key }) => key));
      const others = fresh.filter(({ person }) => person !== chat.self.value?.person);
      const last = others.at(-1);
      if (!last) return;
      said.value =
        others.length <= WHOLE
          ? others.map(({ name, text }) => `${name}: ${text}`).join('\n')
          : t('chat.news', { count: others.length, name: last.name });
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [chat]);
  return (
    <div class="visually-hidden" aria-live="polite" data-testid="chat-announcer">
      {said.value}
    </div>
  );
}
