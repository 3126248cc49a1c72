import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { ChatClient } from '../../shared/chat/ChatClient.ts';
import { useChat } from '../../shared/chat/loadChat.ts';
import type { Studio } from '../Studio.ts';
import type { StudioSession } from '../session/StudioSession.ts';
import { AudiencePage } from './AudiencePage.tsx';
import { RoomPage } from './RoomPage.tsx';
import { useWakeLock } from './useWakeLock.ts';

interface Props {
  studio: Studio;
  session: StudioSession;
}

/** In the room, with a seat or without; the chat is the same. */
export function InRoom({ studio, session }: Props) {
  useWakeLock();
  const chat = useSignal<ChatClient | null>(null);
  const wish = useMemo(() => studio.chatWish, [studio, session]);
  useChat(wish, (next) => {
    chat.value = next;
  });
  return session.state.self.value?.seated ? (
    <RoomPage studio={studio} session={session} chat={chat.value} />
  ) : (
    <AudiencePage studio={studio} session={session} chat={chat.value} />
  );
}
