import type { ComponentChildren } from 'preact';
import { Dialog } from '../../shared/Dialog.tsx';
import { t } from '../../shared/language.ts';

/** Where one chooses devices in the room. */
export function DevicesDialog({ onClose, children }: { onClose: () => void; children: ComponentChildren }) {
  return (
    <Dialog title={t('studio.devices')} onClose={onClose}>
      <div class="stack dialog-body">{children}</div>
      <form method="dialog" class="actions">
        <button type="submit" class="button primary">
          {t('common.close')}
        </button>
      </form>
    </Dialog>
  );
}
