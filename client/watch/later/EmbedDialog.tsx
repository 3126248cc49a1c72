/** The link to share, and what puts the player into another page. */
import { useSignal } from '@preact/signals';
import { CopyButton } from '../../shared/CopyButton.tsx';
import { Dialog } from '../../shared/Dialog.tsx';
import { t } from '../../shared/language.ts';

interface Props {
  room: string;
  onClose: () => void;
}

const KINDS = ['component', 'iframe'] as const;

/** What stands in a page of somebody else. `origin`: ours. */
export function embedCode(kind: (typeof KINDS)[number], room: string, origin: string): string {
  if (kind === 'component')
    return `<script src="${origin}/embed/player.js" async></script>\n<lianmai-player room="${room}"></lianmai-player>`;
  return (
    `<iframe src="${origin}/embed/${room}" width="640" height="360" frameborder="0" ` +
    'allow="autoplay; fullscreen; picture-in-picture" allowfullscreen></iframe>'
  );
}

export function EmbedDialog({ room, onClose }: Props) {
  const kind = useSignal<(typeof KINDS)[number]>('component');
  const link = `${location.origin}/watch/${room}`;
  const code = embedCode(kind.value, room, location.origin);
  return (
    <Dialog title={t('watch.share.title')} onClose={onClose}>
      <div class="stack share">
        <div class="field">
          <label for="share-link">{t('watch.share.link')}</label>
          <div class="row">
            <input id="share-link" class="input" readOnly value={link} onFocus={(e) => e.currentTarget.select()} />
            <CopyButton iconOnly label={t('watch.share')} text={link} testId="copy-link" />
          </div>
        </div>
        <fieldset class="field kinds">
          <legend>{t('watch.embed')}</legend>
          {KINDS.map((each) => (
            <label key={each} class="row">
              <input
                type="radio"
                name="embed-kind"
                data-testid={`embed-${each}`}
                checked={kind.value === each}
                onChange={() => {
                  kind.value = each;
                }}
              />
              {t(`watch.embed.${each}`)}
            </label>
          ))}
        </fieldset>
        <div class="field">
          <label for="embed-code">{t('watch.embed.code')}</label>
          <textarea
            id="embed-code"
            class="input code"
            data-testid="embed-code"
            readOnly
            rows={6}
            value={code}
            onFocus={(e) => e.currentTarget.select()}
          />
        </div>
      </div>
      <div class="actions">
        <button type="button" class="button" data-testid="share-close" onClick={onClose}>
          {t('common.close')}
        </button>
        <CopyButton class="primary" label={t('watch.embed.copy')} text={code} testId="copy-embed" />
      </div>
    </Dialog>
  );
}
