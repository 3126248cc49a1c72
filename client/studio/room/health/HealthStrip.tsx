import { useSignal } from '@preact/signals';
import type { ProgramHealth, Severity } from '../../../../src/contracts/health.ts';
import { hueOf, initials } from '../../../shared/format.ts';
import { Icon } from '../../../shared/icons.tsx';
import type { StudioSession } from '../../session/StudioSession.ts';
import { factsOf } from './facts.ts';
import { HealthDialog } from './HealthDialog.tsx';
import { HealthNotice } from './HealthNotice.tsx';
import { healthText } from './healthTexts.ts';
import { SignalBars } from './SignalBars.tsx';
import './health.css';

const LOOKS: Record<Severity, string> = { info: 'good', warn: 'warn', bad: 'bad' };

/** How it goes, at a glance: a host sees everybody's upload and the program's figures, everybody else their own connection. On a phone one button. */
export function HealthStrip({ session }: { session: StudioSession }) {
  const open = useSignal(false);
  const { health, state } = session;
  const self = state.self.value;
  const room = health.room.value;
  if (!self?.seated || !room) return null;
  const problems = health.findings.value.filter(({ severity }) => severity !== 'info');
  const look =
    LOOKS[problems.some(({ severity }) => severity === 'bad') ? 'bad' : problems.length > 0 ? 'warn' : 'info'];
  const word =
    problems.length === 0
      ? healthText('health.fine')
      : problems.length === 1
        ? healthText('health.problems.one')
        : healthText('health.problems', { count: problems.length });
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
          <Icon name={problems.length > 0 ? 'warning' : 'check'} />
          <span class="health-word">{word}</span>
          {problems.length > 0 ? <span class="health-count" aria-hidden="true" data-count={problems.length} /> : null}
        </button>
        <dl class="health-figures">
          <div>
            <dt>{healthText(host ? 'health.uploads' : 'health.upload.own')}</dt>
            <dd class="health-uploads">
              {room.people.map(({ peer }) => {
                const name = state.peers.value.get(peer)?.name ?? '';
                return (
                  <span key={peer} class="health-upload" title={name}>
                    {host ? (
                      <span class="health-face" style={{ '--hue': hueOf(name) }} aria-hidden="true">
                        {initials(name)}
                      </span>
                    ) : null}
                    <SignalBars session={session} peer={peer} />
                  </span>
                );
              })}
            </dd>
          </div>
          {room.program ? <ProgramFacts program={room.program} /> : null}
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
