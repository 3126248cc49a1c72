import { Dialog } from '../../../shared/Dialog.tsx';
import { Icon } from '../../../shared/icons.tsx';
import type { StudioSession } from '../../session/StudioSession.ts';
import { type Fact, personFacts, programFacts } from './facts.ts';
import { healthText } from './healthTexts.ts';
import { SignalBars } from './SignalBars.tsx';
import { wordingOf } from './wording.ts';

/** All that is known: what is wrong and what to do, the program, and each person's upload. */
export function HealthDialog({ session, onClose }: { session: StudioSession; onClose: () => void }) {
  const { health, state } = session;
  const room = health.room.value;
  const self = state.self.value;
  const nameOf = (peer: string): string => state.peers.value.get(peer)?.name ?? '';
  return (
    <Dialog title={healthText('health.title')} onClose={onClose}>
      <div class="health-details stack" data-testid="health-details">
        <Findings session={session} />
        {self?.role === 'host' ? (
          <section class="stack-tight">
            <h3>{healthText('health.program')}</h3>
            {room?.program ? (
              <Facts facts={programFacts(room.program)} />
            ) : (
              <p class="small muted">{healthText('health.off-air')}</p>
            )}
          </section>
        ) : null}
        {room ? (
          room.people.map((person) => (
            <section key={person.peer} class="stack-tight" data-testid="health-person" data-peer={person.peer}>
              <h3 class="health-who">
                <span class="name">
                  {person.peer === self?.id ? healthText('health.upload.own') : nameOf(person.peer)}
                </span>
                <SignalBars session={session} peer={person.peer} />
                <span class="small muted">{healthText(`level.${person.level}`)}</span>
              </h3>
              {person.level === 'none' ? null : <Facts facts={personFacts(person)} />}
            </section>
          ))
        ) : (
          <p class="small muted">{healthText('health.waiting')}</p>
        )}
        <div class="actions">
          <button type="button" class="button" data-testid="health-close" onClick={onClose}>
            {healthText('health.close')}
          </button>
        </div>
      </div>
    </Dialog>
  );
}

function Findings({ session }: { session: StudioSession }) {
  const { health, state } = session;
  const findings = health.findings.value;
  if (findings.length === 0 && health.room.value === null) return null;
  if (findings.length === 0)
    return (
      <p class="notice info">
        <Icon name="check" />
        <strong>{healthText('health.fine')}</strong>
      </p>
    );
  return (
    <ul class="stack-tight">
      {findings.map((finding) => {
        const { key, severity } = finding;
        const words = wordingOf(finding, state.selfId.value, (peer) => state.peers.value.get(peer)?.name ?? '');
        const look = severity === 'bad' ? 'bad' : severity === 'info' ? 'info' : '';
        return (
          <li key={key} class={`notice ${look}`} data-testid="health-finding" data-key={key}>
            <Icon name={severity === 'info' ? 'info' : 'warning'} />
            <div class="grow">
              <strong>{words.sentence}</strong>
              <span>{words.remedy}</span>
            </div>
          </li>
        );
      })}
    </ul>
  );
}

function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="facts health-facts">
      {facts.map(({ name, value }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
