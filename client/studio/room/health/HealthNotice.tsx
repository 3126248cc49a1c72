import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Icon } from '../../../shared/icons.tsx';
import { language, t } from '../../../shared/language.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { wordingOf } from './wording.ts';

/** The worst of what is wrong, with what to do about it, until it is over or put away. */
export function HealthNotice({ session }: { session: StudioSession }) {
  const { health, state } = session;
  const worst = health.worst.value;
  const self = state.selfId.value;
  const words = worst ? wordingOf(worst, self, (peer) => state.peers.value.get(peer)?.name ?? '') : null;
  const heard = useSignal('');
  // Its numbers change every few seconds: it is read out when it is another one, or has grown worse.
  useEffect(() => {
    heard.value = words ? `${words.sentence} ${words.remedy}` : '';
  }, [worst?.key, worst?.severity, language.value]);
  return (
    <>
      <p class="visually-hidden" aria-live="polite" data-testid="health-heard">
        {heard.value}
      </p>
      {worst && words ? (
        <div
          class={`notice health-notice ${worst.severity === 'bad' ? 'bad' : ''} ${worst.peer === self ? 'own' : ''}`}
          data-testid="health-notice"
          data-code={worst.code}
          data-severity={worst.severity}
        >
          <Icon name="warning" />
          <div class="grow">
            <strong>{words.sentence}</strong>
            <span>{words.remedy}</span>
          </div>
          <button type="button" class="button slim" data-testid="health-dismiss" onClick={() => health.dismiss(worst)}>
            {t('common.dismiss')}
            <span class="visually-hidden">: {words.sentence}</span>
          </button>
        </div>
      ) : null}
    </>
  );
}
