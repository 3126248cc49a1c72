import type { PeerInfo } from '../../../src/contracts/signaling.ts';
import { Icon } from '../../shared/icons.tsx';
import { t } from '../../shared/language.ts';
import { seatText } from '../../shared/seatTexts.ts';
import type { StudioSession } from '../session/StudioSession.ts';
import { Face } from './seats/Face.tsx';
import { Invite } from './seats/Invite.tsx';
import { PersonActions } from './seats/PersonActions.tsx';
import { sends } from './stageTiles.ts';

/** Who is here, who asks for a seat, and links for more. */
export function People({ session }: { session: StudioSession }) {
  const { seated, self } = session.state;
  const host = self.value?.role === 'host';
  return (
    <section class="panel-part stack" aria-labelledby="people-title">
      <h2 id="people-title">
        {t('people.title')} <span class="muted small">{t('people.count', { count: seated.value.length })}</span>
      </h2>
      <ul class="stack-tight">
        {seated.value.map((peer) => (
          <Person key={peer.id} peer={peer} session={session} host={host} />
        ))}
      </ul>
      {host ? <Invite session={session} /> : null}
    </section>
  );
}

/** Audience with a seat is a guest. */
const roleOf = ({ role }: PeerInfo): string =>
  role === 'audience' ? seatText('person.guest') : t(`people.role.${role}`);

function Person({ peer, session, host }: { peer: PeerInfo; session: StudioSession; host: boolean }) {
  const self = peer.id === session.state.selfId.value;
  const microphone = sends(peer, 'microphone');
  const camera = sends(peer, 'camera');
  return (
    <li class="person with-actions" data-testid="person" data-peer={peer.id}>
      <Face peer={peer} />
      <div class="grow">
        <div class="name">
          {peer.name} {self ? <span class="muted">({t('common.you')})</span> : null}
        </div>
        <div class="small muted">
          {peer.presence === 'away' ? t('studio.away') : roleOf(peer)}
          {peer.offProgram ? ` · ${seatText('person.green')}` : ''}
        </div>
      </div>
      <span class="states muted">
        <Icon name={microphone ? 'microphone' : 'microphone-off'} />
        <span class="visually-hidden">{t(microphone ? 'people.microphone.on' : 'people.microphone.off')}</span>
        <Icon name={camera ? 'camera' : 'camera-off'} />
        <span class="visually-hidden">{t(camera ? 'people.camera.on' : 'people.camera.off')}</span>
      </span>
      {host && !self && peer.role !== 'host' ? <PersonActions peer={peer} session={session} /> : null}
    </li>
  );
}
