import { REACTIONS } from '../contract.ts';
import { t } from '../language.ts';
import type { ChatClient } from './ChatClient.ts';
import { EMOJIS } from './emojis.ts';

/** What one can say without words. */
export function ReactionBar({ chat }: { chat: ChatClient }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would be of a form.
    <div class="chat-reactions" role="group" aria-label={t('chat.react')}>
      {REACTIONS.map((reaction) => (
        <button
          key={reaction}
          type="button"
          class="button icon-only slim"
          data-testid={`react-${reaction}`}
          aria-label={t(`chat.reaction.${reaction}`)}
          onClick={() => void chat.react(reaction)}
        >
          <span aria-hidden="true">{EMOJIS[reaction]}</span>
        </button>
      ))}
    </div>
  );
}
