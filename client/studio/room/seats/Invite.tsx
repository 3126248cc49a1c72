import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Invitation } from '../../../../src/contracts/invitations.ts';
import { CopyButton } from '../../../shared/CopyButton.tsx';
import { Icon } from '../../../shared/icons.tsx';
import { language, t } from '../../../shared/language.ts';
import { seatText } from '../../../shared/seatTexts.ts';
import type { StudioSession } from '../../session/StudioSession.ts';

/** How long a link may be good, seconds. */
const EXPIRY = [3_600, 86_400, 604_800, 2_592_000] as const;

/** Links that let one more person in each: made, copied, listed, revoked. */
export function Invite({ session }: { session: StudioSession }) {
  const seconds = useSignal<(typeof EXPIRY)[number]>(86_400);
  const { seats } = session;
  useEffect(() => {
    void seats.listInvitations();
  }, [seats]);
  const linkFor = (role: 'cohost' | 'audience') => () => seats.invite({ role, expiresInSeconds: seconds.value });
  const invitations = seats.invitations.value ?? [];
  return (
    <div class="stack invite">
      <h3>{t('people.invite')}</h3>
      <div class="field">
        <label for="invite-expiry">{seatText('invite.expiry')}</label>
        <select
          id="invite-expiry"
          class="input"
          data-testid="invite-expiry"
          value={seconds.value}
          onChange={(event) => {
            const chosen = Number(event.currentTarget.value);
            seconds.value = EXPIRY.find((choice) => choice === chosen) ?? seconds.value;
          }}
        >
          {EXPIRY.map((choice) => (
            <option key={choice} value={choice}>
              {seatText(`invite.${choice}`)}
            </option>
          ))}
        </select>
      </div>
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
      <p class="small muted">{seatText('invite.one')}</p>
      {invitations.length > 0 ? (
        <ul class="stack-tight" aria-label={seatText('invite.list')}>
          {invitations.map((invitation) => (
            <Link key={invitation.id} invitation={invitation} session={session} />
          ))}
        </ul>
      ) : null}
    </div>
  );
}

function Link({ invitation, session }: { invitation: Invitation; session: StudioSession }) {
  const format = new Intl.DateTimeFormat(language.value, { dateStyle: 'medium', timeStyle: 'short' });
  const time = format.format(invitation.expiresAt);
  return (
    <li class="person" data-testid="invitation">
      <Icon name="link" />
      <div class="grow">
        <div class="name">{invitation.name ?? seatText(`invite.for.${invitation.role}`)}</div>
        <div class="small muted">{seatText('invite.until', { time })}</div>
      </div>
      <button
        type="button"
        class="button outline slim"
        data-testid="revoke"
        aria-label={seatText('invite.revoke.name', { time })}
        onClick={() => void session.seats.revoke(invitation.id)}
      >
        {seatText('invite.revoke')}
      </button>
    </li>
  );
}
