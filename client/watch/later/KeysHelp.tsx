import { KeysDialog } from '../../shared/KeysDialog.tsx';
import { t } from '../../shared/language.ts';
import { watchKeyText } from './keyTexts.ts';

/** The keys of usePageKeys.ts, as people read them. */
export function KeysHelp({ onClose }: { onClose: () => void }) {
  return (
    <KeysDialog
      title={watchKeyText('watch-keys.title')}
      or={watchKeyText('watch-keys.or')}
      switchLabel={watchKeyText('watch-keys.switch')}
      switchHint={watchKeyText('watch-keys.switch.hint')}
      close={t('common.close')}
      onClose={onClose}
      groups={[
        {
          title: '',
          rows: [
            { ways: [[watchKeyText('watch-keys.space')], ['K']], text: watchKeyText('watch-keys.play') },
            { ways: [['M']], text: watchKeyText('watch-keys.mute') },
            { ways: [['F']], text: watchKeyText('watch-keys.full') },
            { ways: [['L']], text: watchKeyText('watch-keys.live') },
            { ways: [['C']], text: watchKeyText('watch-keys.captions') },
            { ways: [['?']], text: watchKeyText('watch-keys.help') },
          ],
        },
      ]}
    />
  );
}
