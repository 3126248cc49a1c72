import { useSignal } from '@preact/signals';
import { Dialog } from '../../shared/Dialog.tsx';
import { failureText } from '../../shared/failureTexts.ts';
import { t } from '../../shared/language.ts';
import { ProblemNotice } from '../../shared/ProblemNotice.tsx';
import { DeviceSelects } from '../media/DeviceSelects.tsx';
import type { LocalMedia } from '../media/LocalMedia.ts';

/** What is wrong with one's own camera, microphone or screen while one is in the room: try again, take another, or go on without. */
export function MediaProblem({ media }: { media: LocalMedia }) {
  const choosing = useSignal(false);
  const problem = media.problem.value;
  const close = () => {
    choosing.value = false;
  };
  return (
    <>
      {problem ? (
        <ProblemNotice problem={problem}>
          {problem.code === 'screen-failed' ? null : (
            <>
              <button type="button" class="button slim" data-testid="media-again" onClick={() => void media.retry()}>
                {t('common.retry')}
              </button>
              <button
                type="button"
                class="button slim"
                data-testid="media-choose"
                onClick={() => {
                  choosing.value = true;
                }}
              >
                {failureText('failure.devices')}
              </button>
            </>
          )}
          <button
            type="button"
            class="button slim"
            onClick={() => {
              media.problem.value = null;
            }}
          >
            {t('common.dismiss')}
          </button>
        </ProblemNotice>
      ) : null}
      {choosing.value ? (
        <Dialog title={t('studio.devices')} onClose={close}>
          <div class="stack dialog-body">
            <DeviceSelects media={media} />
          </div>
          <form method="dialog" class="actions">
            <button type="submit" class="button primary">
              {t('common.close')}
            </button>
          </form>
        </Dialog>
      ) : null}
    </>
  );
}
