import { t } from '../shared/language.ts';
import { ProblemPage } from '../shared/ProblemNotice.tsx';
import { TopBar } from '../shared/TopBar.tsx';
import { PreJoin } from './prejoin/PreJoin.tsx';
import { InRoom } from './room/InRoom.tsx';
import type { Studio } from './Studio.ts';
import type { StudioSession } from './session/StudioSession.ts';

/** `/studio/:room`: the door, the room, or why there is neither. */
export function StudioPage({ studio }: { studio: Studio }) {
  document.title = `${studio.room} · ${t('studio.title')} · Lianmai`;
  const problem = studio.problem.value;
  if (problem)
    return (
      <Framed>
        <ProblemPage problem={problem}>
          {problem.code === 'bad-room' ? null : (
            <button type="button" class="button primary" onClick={() => location.reload()}>
              {t('common.retry')}
            </button>
          )}
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
  if (problem) return <ProblemPage problem={problem}>{again}</ProblemPage>;
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
