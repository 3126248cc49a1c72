import './joinProblem.css';
import { failureText } from '../../shared/failureTexts.ts';
import { ProblemNotice } from '../../shared/ProblemNotice.tsx';
import type { Studio } from '../Studio.ts';
import type { StudioSession } from '../session/StudioSession.ts';

/** Why one is not in yet, while the session tries again by itself, and the ways out of waiting. */
export function JoinProblem({ studio, session }: { studio: Studio; session: StudioSession }) {
  const problem = session.problem.value;
  if (!problem) return null;
  return (
    <ProblemNotice problem={problem}>
      {problem.code === 'room-full' ? (
        <>
          <p>{failureText('failure.full')}</p>
          <a class="button slim" href={studio.watchLink} target="_blank" rel="noopener">
            {failureText('failure.watch.wait')}
          </a>
        </>
      ) : null}
      <button type="button" class="button slim" data-testid="stop-joining" onClick={() => void studio.again()}>
        {failureText('failure.stop')}
      </button>
    </ProblemNotice>
  );
}
