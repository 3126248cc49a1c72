import { useSignal } from '@preact/signals';
import { failureText } from '../../shared/failureTexts.ts';
import { Dismiss } from '../../shared/InfoNotice.tsx';
import { t } from '../../shared/language.ts';
import { ProblemNotice } from '../../shared/ProblemNotice.tsx';
import { DeviceSelects } from '../media/DeviceSelects.tsx';
import type { LocalMedia } from '../media/LocalMedia.ts';
import { DevicesDialog } from './DevicesDialog.tsx';

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
          <Dismiss
            onClick={() => {
              media.problem.value = null;
            }}
          />
        </ProblemNotice>
      ) : null}
      {choosing.value ? (
        <DevicesDialog onClose={close}>
          <DeviceSelects media={media} />
        </DevicesDialog>
      ) : null}
    </>
  );
}
