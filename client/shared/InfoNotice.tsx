import type { ComponentChildren } from 'preact';
import { Icon } from './icons.tsx';
import { t } from './language.ts';

interface Props {
  testId: string;
  children: ComponentChildren;
  onClose: () => void;
}

/** Something that happened, until it has been read. */
export function InfoNotice({ testId, children, onClose }: Props) {
  return (
    <div class="notice info" role="status" data-testid={testId}>
      <Icon name="info" />
      {children}
      <Dismiss onClick={onClose} />
    </div>
  );
}

export function Dismiss({ onClick }: { onClick: () => void }) {
  return (
    <button type="button" class="button slim" onClick={onClick}>
      {t('common.dismiss')}
    </button>
  );
}
