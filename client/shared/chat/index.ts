/** What the chat is made of: loaded when a page has come to rest (loadChat.ts). */
import './chat.css';

export { ChatClient } from './ChatClient.ts';
export { ChatPanel } from './ChatPanel.tsx';
export { FloatingReactions } from './FloatingReactions.tsx';
