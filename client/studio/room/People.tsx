import { useSignal } from '@preact/signals';
import type { PeerInfo } from '../../../src/contracts/signaling.ts';
import type { Role } from '../../../src/contracts/tokens.ts';
import { CopyButton } from '../../shared/CopyButton.tsx';
import { hueOf, initials } from '../../shared/format.ts';
import { Icon } from '../../shared/icons.tsx';
import { t } from '../../shared/language.ts';
import { ProblemNotice } from '../../shared/ProblemNotice.tsx';
import { type Problem, problemOf } from '../../shared/problems.ts';
import type { Studio } from '../Studio.ts';
import type { StudioSession } from '../session/StudioSession.ts';
import { sends } from './stageTiles.ts';

interface Props {
  studio: Studio;
  session: StudioSession;
}

/** Who is here, who asks for a seat, and links for more. */
export function People({ studio, session }: Props) {
  const { asking, seated, self } = session.state;
  const host = self.value?.role === 'host';
  return (
    <section class="panel-part stack" aria-labelledby="people-title">
      <h2 id="people-title">
        {t('people.title')} <span class="muted small">{t('people.count', { count: seated.value.length })}</span>
      </h2>
      {asking.value.length > 0 ? (
        <ul class="stack-tight asking" aria-label={t('people.asking')} aria-live="polite">
          {asking.value.map((peer) => (
            <li key={peer.id} class="person">
              <Face peer={peer} />
              <div class="grow">
                <div class="name">{peer.name}</div>
                <div class="small muted">{t('people.asking')}</div>
              </div>
              {host ? <Answers peer={peer} session={session} /> : null}
            </li>
          ))}
        </ul>
      ) : null}
      <ul class="stack-tight">
        {seated.value.map((peer) => (
          <Person key={peer.id} peer={peer} session={session} host={host} />
        ))}
      </ul>
      {host ? <Invite studio={studio} /> : null}
    </section>
  );
}

/** What a host answers to somebody who asks for a seat. */
function Answers({ peer, session }: { peer: PeerInfo; session: StudioSession }) {
  return (
    <>
      <button
        type="button"
        class="button icon-only slim"
        data-testid="decline-seat"
        data-peer={peer.id}
        aria-label={t('people.decline.name', { name: peer.name })}
        title={t('people.decline')}
        onClick={() => void session.declineSeat(peer.id)}
      >
        <Icon name="close" />
      </button>
      <button
        type="button"
        class="button primary slim"
        data-testid="grant-seat"
        data-peer={peer.id}
        aria-label={t('people.grant.name', { name: peer.name })}
        onClick={() => void session.grantSeat(peer.id)}
      >
        {t('people.grant')}
      </button>
    </>
  );
}

function Face({ peer }: { peer: PeerInfo }) {
  return (
    <span class="face-small" style={{ '--hue': hueOf(peer.name) }} aria-hidden="true">
      {initials(peer.name)}
    </span>
  );
}

function Person({ peer, session, host }: { peer: PeerInfo; session: StudioSession; host: boolean }) {
  const self = peer.id === session.state.selfId.value;
  const microphone = sends(peer, 'microphone');
  const camera = sends(peer, 'camera');
  return (
    <li class="person" data-testid="person" data-peer={peer.id}>
      <Face peer={peer} />
      <div class="grow">
        <div class="name">
          {peer.name} {self ? <span class="muted">({t('common.you')})</span> : null}
        </div>
        <div class="small muted">{peer.presence === 'away' ? t('studio.away') : t(`people.role.${peer.role}`)}</div>
      </div>
      <span class="states muted">
        <Icon name={microphone ? 'microphone' : 'microphone-off'} />
        <span class="visually-hidden">{t(microphone ? 'people.microphone.on' : 'people.microphone.off')}</span>
        <Icon name={camera ? 'camera' : 'camera-off'} />
        <span class="visually-hidden">{t(camera ? 'people.camera.on' : 'people.camera.off')}</span>
      </span>
      {host && !self ? (
        <button
          type="button"
          class="button icon-only slim"
          data-testid="take-seat"
          aria-label={t('people.take.name', { name: peer.name })}
          title={t('people.take')}
          onClick={() => void session.takeSeat(peer.id)}
        >
          <Icon name="close" />
        </button>
      ) : null}
    </li>
  );
}

function Invite({ studio }: { studio: Studio }) {
  const problem = useSignal<Problem | null>(null);
  const linkFor = (role: Role) => async () => {
    problem.value = null;
    try {
      return await studio.invitation(role);
    } catch (error) {
      problem.value = problemOf(error);
      return undefined;
    }
  };
  return (
    <div class="stack invite">
      <h3>{t('people.invite')}</h3>
      <div class="row wrap">
        <CopyButton
          class="outline slim"
          testId="invite-cohost"
          label={t('people.invite.cohost')}
          text={linkFor('cohost')}
        />
        <CopyButton
          class="outline slim"
          testId="invite-audience"
          label={t('people.invite.audience')}
          text={linkFor('audience')}
        />
      </div>
      {problem.value?.code === 'invitation-needed' ? (
        <p class="notice small" role="alert">
          {t('people.invite.failed', { room: studio.room })}
        </p>
      ) : problem.value ? (
        <ProblemNotice problem={problem.value} />
      ) : null}
    </div>
  );
}
