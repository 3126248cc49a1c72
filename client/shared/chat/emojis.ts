import type { Reaction } from '../../../src/contracts/chat.ts';

export const EMOJIS: Record<Reaction, string> = {
  heart: '❤️',
  clap: '👏',
  laugh: '😂',
  wow: '😮',
  party: '🎉',
  fire: '🔥',
};
