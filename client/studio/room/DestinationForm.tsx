import type { Signal } from '@preact/signals';
import { MAX_DESTINATIONS } from '../../shared/contract.ts';
import { Icon } from '../../shared/icons.tsx';
import { t } from '../../shared/language.ts';
import { DraftFields } from './DestinationFields.tsx';
import { type DestinationDraft, newDraft } from './destinations.ts';

interface Props {
  drafts: Signal<readonly DestinationDraft[]>;
  /** The person wanted to go live: from now on mistakes are shown. */
  tried: boolean;
}

/** Where else the show should go. Keys are neither kept nor shown. */
export function DestinationForm({ drafts, tried }: Props) {
  const change = (id: number, part: Partial<DestinationDraft>) => {
    drafts.value = drafts.value.map((draft) => (draft.id === id ? { ...draft, ...part } : draft));
  };
  return (
    <div class="stack destinations">
      <h3>{t('destination.title')}</h3>
      {drafts.value.length === 0 ? <p class="muted small">{t('destination.none')}</p> : null}
      {drafts.value.map((draft, i) => (
        <DraftFields
          key={draft.id}
          draft={draft}
          number={i + 1}
          tried={tried}
          onChange={(part) => change(draft.id, part)}
          onRemove={() => {
            drafts.value = drafts.value.filter((other) => other.id !== draft.id);
          }}
        />
      ))}
      {drafts.value.length < MAX_DESTINATIONS ? (
        <button
          type="button"
          class="button outline slim"
          data-testid="add-destination"
          onClick={() => {
            drafts.value = [...drafts.value, newDraft()];
          }}
        >
          <Icon name="plus" />
          {t('destination.add')}
        </button>
      ) : null}
    </div>
  );
}
