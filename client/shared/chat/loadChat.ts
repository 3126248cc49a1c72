import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ChatClient, ChatWish } from './ChatClient.ts';

/** The chat's code, which no first picture waits for; null: not there yet. */
export const chatCode = signal<typeof import('./index.ts') | null>(null);

let asked: Promise<typeof import('./index.ts') | null> | undefined;

/** Idempotent. What could not be loaded, its styles included, is asked for again the next time. */
function loadChat(): Promise<typeof import('./index.ts') | null> {
  asked ??= load();
  return asked;
}

async function load(): Promise<typeof import('./index.ts') | null> {
  try {
    const module = await import('./index.ts');
    chatCode.value = module;
    return module;
  } catch {
    asked = undefined;
    return null;
  }
}

/** A room's chat on this page, from when `wish` is there until it is another one or the component is gone; null: not there yet. */
export function useChat(wish: ChatWish | null, onChat: (chat: ChatClient | null) => void): void {
  useEffect(() => {
    if (!wish) return;
    let chat: ChatClient | undefined;
    let over = false;
    void loadChat().then((code) => {
      if (!code || over) return;
      chat = new code.ChatClient(wish);
      onChat(chat);
    });
    return () => {
      over = true;
      chat?.close();
      onChat(null);
    };
  }, [wish]);
}
