import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Reaction } from '../../../src/contracts/chat.ts';
import { REACTIONS } from '../contract.ts';
import type { ChatClient } from './ChatClient.ts';
import { EMOJIS } from './emojis.ts';

/** At the same time over the picture: a thousand hearts are a crowd, too. */
const MAX_FLOATING = 40;
/** Of one sum; what is more is not to be seen one by one. */
const MAX_OF_ONE = 6;

interface Floating {
  key: number;
  reaction: Reaction;
  /** 0 to 1: where it rises, and how soon. */
  place: number;
  delay: number;
}

/** Everybody's reactions, rising over the picture. Nothing for a screen reader: it would be told a hundred times. */
export function FloatingReactions({ chat }: { chat: ChatClient }) {
  const floating = useSignal<readonly Floating[]>([]);
  useEffect(() => {
    let next = 0;
    return chat.onReactions((counts) => {
      const fresh = REACTIONS.flatMap((reaction) =>
        Array.from({ length: Math.min(MAX_OF_ONE, counts[reaction] ?? 0) }, () => ({
          ...{ key: next++, reaction, place: Math.random(), delay: Math.random() },
        })),
      );
      floating.value = [...floating.value, ...fresh].slice(-MAX_FLOATING);
    });
  }, [chat]);
  return (
    <div class="floating" aria-hidden="true" data-testid="floating">
      {floating.value.map(({ key, reaction, place, delay }) => (
        <span
          key={key}
          data-reaction={reaction}
          style={{ '--place': place, '--delay': delay }}
          onAnimationEnd={() => {
            floating.value = floating.value.filter((one) => one.key !== key);
          }}
        >
          {EMOJIS[reaction]}
        </span>
      ))}
    </div>
  );
}
