import type { ComponentChildren } from 'preact';
import { t } from '../../../shared/language.ts';

interface ShownFormProps {
  testId: string;
  name: string;
  shown: boolean;
  canShow: boolean;
  onShow: () => void;
  onHide: () => void;
  /** More buttons. */
  more?: ComponentChildren;
  children: ComponentChildren;
}

/** Words that are typed first and shown by a button: nobody wants to see half a word on air. */
export function ShownForm({ testId, name, shown, canShow, onShow, onHide, more, children }: ShownFormProps) {
  return (
    <form
      class="scene-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (canShow) onShow();
      }}
    >
      {children}
      <div class="row">
        <button
          type="submit"
          class="button slim"
          data-testid={`${testId}-show`}
          aria-disabled={!canShow}
          aria-label={`${shown ? t('scene.update') : t('scene.show')}: ${name}`}
        >
          {shown ? t('scene.update') : t('scene.show')}
        </button>
        {shown ? (
          <button
            type="button"
            class="button outline slim"
            data-testid={`${testId}-hide`}
            aria-label={`${t('scene.takeOff')}: ${name}`}
            onClick={onHide}
          >
            {t('scene.takeOff')}
          </button>
        ) : null}
        {more}
      </div>
    </form>
  );
}
