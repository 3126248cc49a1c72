import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Icon } from '../../../shared/icons.tsx';
import { language, t } from '../../../shared/language.ts';
import type { OwnFinding } from '../../session/HealthSession.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { type Wording, wordingOf } from './wording.ts';

/** The worst of what is wrong, with what to do about it, until it is over or put away. On a phone one's own. */
export function HealthNotice({ session }: { session: StudioSession }) {
  const { health, state } = session;
  const self = state.selfId.value;
  const urgent = health.urgent.value.map((finding) => ({
    finding,
    words: wordingOf(finding, self, (peer) => state.peers.value.get(peer)?.name ?? ''),
  }));
  const heard = useSignal('');
  const which = urgent.map(({ finding: { key, severity } }) => `${key} ${severity}`).join();
  // Its numbers change every few seconds: it is read out when it is another one, or has grown worse.
  useEffect(() => {
    heard.value = urgent.map(({ words: { sentence, remedy } }) => `${sentence} ${remedy}`).join(' ');
  }, [which, language.value]);
  return (
    <>
      <p class="visually-hidden" aria-live="polite" data-testid="health-heard">
        {heard.value}
      </p>
      {urgent.map(({ finding, words }, i) => (
        <Notice
          key={finding.key}
          finding={finding}
          words={words}
          place={`${i === 0 ? 'worst' : ''} ${finding.peer === self ? 'own' : ''}`}
          onDismiss={() => health.dismiss(finding)}
        />
      ))}
    </>
  );
}

interface NoticeProps {
  finding: OwnFinding;
  words: Wording;
  /** Where it is shown: the worst one on a wide screen, one's own on a phone. */
  place: string;
  onDismiss: () => void;
}

function Notice({ finding: { code, severity }, words, place, onDismiss }: NoticeProps) {
  return (
    <div
      class={`notice health-notice ${severity === 'bad' ? 'bad' : ''} ${place}`}
      data-testid="health-notice"
      data-code={code}
      data-severity={severity}
    >
      <Icon name="warning" />
      <div class="grow">
        <strong>{words.sentence}</strong>
        <span>{words.remedy}</span>
      </div>
      <button type="button" class="button slim" data-testid="health-dismiss" onClick={onDismiss}>
        {t('common.dismiss')}
        <span class="visually-hidden">: {words.sentence}</span>
      </button>
    </div>
  );
}
