import { useSignal } from '@preact/signals';
import type { PersonHealth, ProgramHealth } from '../../../../src/contracts/health.ts';
import { hueOf, initials } from '../../../shared/format.ts';
import { Icon } from '../../../shared/icons.tsx';
import type { OwnFinding } from '../../session/HealthSession.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { factsOf } from './facts.ts';
import { HealthDialog } from './HealthDialog.tsx';
import { HealthNotice } from './HealthNotice.tsx';
import { healthText } from './healthTexts.ts';
import { SignalBars } from './SignalBars.tsx';
import './health.css';

/** More do not fit beside the program's figures. */
const MOST_FACES = 5;

/** How it goes, at a glance: a host sees everybody's upload and the program's figures, everybody else their own connection. On a phone one button. */
export function HealthStrip({ session }: { session: StudioSession }) {
  const open = useSignal(false);
  const { health, state } = session;
  const self = state.self.value;
  const room = health.room.value;
  if (!self?.seated) return null;
  const problems = health.findings.value.filter(({ severity }) => severity !== 'info');
  const { look, word } = summaryOf(problems, room !== null);
  const host = self.role === 'host';
  return (
    <section class="health" aria-label={healthText('health.title')} data-testid="health" data-look={look}>
      <div class="health-row">
        <button
          type="button"
          class={`health-state ${look}`}
          aria-label={healthText('health.open', { state: word })}
          data-testid="health-open"
          onClick={() => {
            open.value = true;
          }}
        >
          <Icon name={problems.length > 0 ? 'warning' : look === 'good' ? 'check' : 'info'} />
          <span class="health-word">{word}</span>
          {problems.length > 0 ? <span class="health-count" aria-hidden="true" data-count={problems.length} /> : null}
        </button>
        <dl class="health-figures">
          <div>
            <dt>{healthText(host ? 'health.uploads' : 'health.upload.own')}</dt>
            <Uploads session={session} people={room?.people ?? []} faces={host} />
          </div>
          {room?.program ? <ProgramFacts program={room.program} /> : null}
        </dl>
      </div>
      <HealthNotice session={session} />
      {open.value ? (
        <HealthDialog
          session={session}
          onClose={() => {
            open.value = false;
          }}
        />
      ) : null}
    </section>
  );
}

/** The strip's own word. Where nothing has been measured yet its place is kept all the same, so that the stage does not move. */
function summaryOf(problems: readonly OwnFinding[], measured: boolean): { look: string; word: string } {
  const { length: count } = problems;
  if (count === 0)
    return measured
      ? { look: 'good', word: healthText('health.fine') }
      : { look: '', word: healthText('health.measuring') };
  return {
    look: problems.some(({ severity }) => severity === 'bad') ? 'bad' : 'warn',
    word: count === 1 ? healthText('health.problems.one') : healthText('health.problems', { count }),
  };
}

interface UploadsProps {
  session: StudioSession;
  people: readonly PersonHealth[];
  faces: boolean;
}

/** Where there are many, those that are not well; the details have everybody. */
function Uploads({ session, people, faces }: UploadsProps) {
  const weak = people.filter(({ level }) => level === 'poor' || level === 'fair');
  const shown = people.length <= MOST_FACES ? people : weak.slice(0, MOST_FACES);
  const others = people.length - shown.length;
  return (
    <dd class="health-uploads">
      {shown.map(({ peer }) => {
        const name = session.state.peers.value.get(peer)?.name ?? '';
        return (
          <span key={peer} class="health-upload" title={name}>
            {faces ? (
              <span class="health-face" style={{ '--hue': hueOf(name) }} aria-hidden="true">
                {initials(name)}
              </span>
            ) : null}
            <SignalBars session={session} peer={peer} />
          </span>
        );
      })}
      {others > 0 ? <span>{shown.length > 0 ? `+${others}` : others}</span> : null}
    </dd>
  );
}

function ProgramFacts({ program }: { program: ProgramHealth }) {
  return (
    <>
      {factsOf(program).map(({ name, value, title }) => (
        <div key={name} title={title}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </>
  );
}
