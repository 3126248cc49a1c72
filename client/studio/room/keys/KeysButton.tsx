import { deskText } from '../../../shared/deskTexts.ts';
import { Icon } from '../../../shared/icons.tsx';
import { keysOpen } from './keysOpen.ts';

/** The way to the list of keys for who does not know yet that it is `?`. Who has no keyboard has no use for it: it is not shown on a phone. */
export function KeysButton() {
  const label = deskText('keys.open');
  return (
    <button
      type="button"
      class="control keys-button"
      aria-label={label}
      title={`${label} (?)`}
      data-testid="keys"
      onClick={() => {
        keysOpen.value = true;
      }}
    >
      <Icon name="keyboard" />
    </button>
  );
}
