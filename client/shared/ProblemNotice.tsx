import type { ComponentChildren } from 'preact';
import { Icon } from './icons.tsx';
import { t } from './language.ts';
import type { Problem } from './problems.ts';

interface Props {
  problem: Problem;
  /** Buttons: what can be done here. */
  children?: ComponentChildren;
}

/** The server's words help where ours cannot know what is wrong. */
const WITH_DETAIL: readonly Problem['code'][] = [
  'server-error',
  'destination-refused',
  'conflict',
  'bad-room',
  'removed',
  'device-unplugged',
];

function Detail({ problem }: { problem: Problem }) {
  if (problem.detail === '' || !WITH_DETAIL.includes(problem.code)) return null;
  return <p class="small muted">{problem.detail}</p>;
}

/** A problem in the page: its title and what to do. Read out by screen readers as soon as it appears. */
export function ProblemNotice({ problem, children }: Props) {
  return (
    <div class="notice" role="alert" data-testid="problem" data-problem={problem.code}>
      <Icon name="warning" />
      <div class="grow">
        <strong>{t(`problem.${problem.code}.title`)}</strong>
        <span>{t(`problem.${problem.code}.do`)}</span>
        <Detail problem={problem} />
        {children ? <div class="actions">{children}</div> : null}
      </div>
    </div>
  );
}

/** A problem that takes the whole page. */
export function ProblemPage({ problem, children }: Props) {
  return (
    <main class="message">
      <div class="card" role="alert" data-testid="problem" data-problem={problem.code}>
        <span class="sign">
          <Icon name="warning" />
        </span>
        <h1 class="problem-title">{t(`problem.${problem.code}.title`)}</h1>
        <p class="muted">{t(`problem.${problem.code}.do`)}</p>
        <Detail problem={problem} />
        <div class="actions">
          {children}
          <a class="button outline" href="/">
            {t('common.home')}
          </a>
        </div>
      </div>
    </main>
  );
}
