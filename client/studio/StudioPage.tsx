import { failureText } from '../shared/failureTexts.ts';
import { t } from '../shared/language.ts';
import { ProblemPage } from '../shared/ProblemNotice.tsx';
import type { Problem } from '../shared/problems.ts';
import { TopBar } from '../shared/TopBar.tsx';
import { PreJoin } from './prejoin/PreJoin.tsx';
import { InRoom } from './room/InRoom.tsx';
import type { Studio } from './Studio.ts';
import type { StudioSession } from './session/StudioSession.ts';

/** Nothing that a second attempt would change. */
const NO_RETRY: readonly Problem['code'][] = ['bad-room', 'no-webrtc'];
/** Who may not or cannot take part may well watch: that needs neither a seat nor WebRTC. */
const CAN_WATCH: readonly Problem['code'][] = ['no-webrtc', 'unauthorized', 'invitation-needed', 'removed'];

/** `/studio/:room`: the door, the room, or why there is neither. */
export function StudioPage({ studio }: { studio: Studio }) {
  document.title = `${studio.room} · ${t('studio.title')} · Lianmai`;
  const problem = studio.problem.value;
  if (problem)
    return (
      <Framed>
        <ProblemPage problem={problem}>
          {NO_RETRY.includes(problem.code) ? null : (
            <button type="button" class="button primary" onClick={() => location.reload()}>
              {t('common.retry')}
            </button>
          )}
          <WatchInstead studio={studio} problem={problem} />
        </ProblemPage>
      </Framed>
    );
  if (!studio.ready.value)
    return (
      <Framed>
        <div class="message" role="status">
          <span class="spinner" />
          <span class="visually-hidden">{t('studio.connecting')}</span>
        </div>
      </Framed>
    );
  const session = studio.session.value;
  if (!session)
    return (
      <Framed>
        <PreJoin studio={studio} />
      </Framed>
    );
  switch (session.phase.value) {
    case 'left':
      return (
        <Framed>
          <LeftPage studio={studio} session={session} />
        </Framed>
      );
    case 'idle':
    case 'joining':
      return (
        <Framed>
          <PreJoin studio={studio} />
        </Framed>
      );
    default:
      return <InRoom studio={studio} session={session} />;
  }
}

function Framed({ children }: { children: preact.ComponentChildren }) {
  return (
    <>
      <TopBar />
      {children}
    </>
  );
}

function LeftPage({ studio, session }: { studio: Studio; session: StudioSession }) {
  const problem = session.problem.value;
  const again = (
    <button type="button" class="button primary" data-testid="again" onClick={() => void studio.again()}>
      {problem ? t('common.retry') : t('studio.left.again')}
    </button>
  );
  if (problem)
    return (
      <ProblemPage problem={problem}>
        {NO_RETRY.includes(problem.code) ? null : again}
        <WatchInstead studio={studio} problem={problem} />
      </ProblemPage>
    );
  return (
    <main class="message">
      <div class="card" data-testid="left">
        <h1 class="problem-title">{t('studio.left.title')}</h1>
        <p class="muted">{t('studio.left.do')}</p>
        <div class="actions">
          {again}
          <a class="button outline" href="/">
            {t('common.home')}
          </a>
        </div>
      </div>
    </main>
  );
}

function WatchInstead({ studio, problem }: { studio: Studio; problem: Problem }) {
  if (!CAN_WATCH.includes(problem.code)) return null;
  return (
    <a class={`button ${problem.code === 'no-webrtc' ? 'primary' : 'outline'}`} href={studio.watchLink}>
      {failureText('failure.watch')}
    </a>
  );
}
