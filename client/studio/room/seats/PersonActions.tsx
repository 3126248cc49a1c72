import { useSignal } from '@preact/signals';
import type { PeerInfo } from '../../../../src/contracts/signaling.ts';
import { REASON_LENGTH } from '../../../shared/contract.ts';
import { Dialog } from '../../../shared/Dialog.tsx';
import { Field } from '../../../shared/Field.tsx';
import { Icon } from '../../../shared/icons.tsx';
import { t } from '../../../shared/language.ts';
import { seatText } from '../../../shared/seatTexts.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { sends } from '../stageTiles.ts';

interface Props {
  peer: PeerInfo;
  session: StudioSession;
}

/** What a host can do about somebody with a seat: behind one button, as a list of buttons that a keyboard walks through. */
export function PersonActions({ peer, session }: Props) {
  const open = useSignal(false);
  const asked = useSignal<'remove' | 'host' | null>(null);
  const { seats } = session;
  const off = peer.offProgram === true;
  const ask = (what: 'remove' | 'host') => () => {
    asked.value = what;
  };
  const close = () => {
    asked.value = null;
  };
  return (
    <>
      <button
        type="button"
        class="button icon-only slim more"
        data-testid="person-more"
        aria-expanded={open.value}
        aria-label={seatText('person.more', { name: peer.name })}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        <Icon name={open.value ? 'up' : 'down'} />
      </button>
      {open.value ? (
        <div class="person-actions">
          <Action
            id={off ? 'on-program' : 'off-program'}
            what={off ? 'on' : 'off'}
            onClick={() => void seats.setOnProgram(peer.id, off)}
          />
          {sends(peer, 'microphone') ? (
            <Action id="mute-person" what="mute" onClick={() => void seats.mute(peer.id, 'microphone')} />
          ) : null}
          {sends(peer, 'camera') ? (
            <Action id="stop-camera" what="camera" onClick={() => void seats.mute(peer.id, 'camera')} />
          ) : null}
          <Action id="take-seat" what="take" onClick={() => void seats.take(peer.id)} />
          <Action id="make-host" what="host" onClick={ask('host')} />
          <Action id="remove-person" what="remove" bad onClick={ask('remove')} />
        </div>
      ) : null}
      {asked.value === 'host' ? (
        <Dialog title={seatText('host.title', { name: peer.name })} onClose={close}>
          <p class="muted dialog-body">{seatText('host.lead')}</p>
          <div class="actions">
            <button type="button" class="button" onClick={close}>
              {seatText('ask.cancel')}
            </button>
            <button
              type="button"
              class="button primary"
              data-testid="confirm-host"
              onClick={() => {
                close();
                void seats.nameHost(peer.id);
              }}
            >
              {seatText('host.confirm')}
            </button>
          </div>
        </Dialog>
      ) : null}
      {asked.value === 'remove' ? <Remove peer={peer} session={session} onClose={close} /> : null}
    </>
  );
}

interface ActionProps {
  id: string;
  what: 'on' | 'off' | 'mute' | 'camera' | 'take' | 'host' | 'remove';
  bad?: boolean;
  onClick: () => void;
}

function Action({ id, what, bad = false, onClick }: ActionProps) {
  return (
    <button type="button" class={`button outline slim ${bad ? 'stop' : ''}`} data-testid={id} onClick={onClick}>
      {seatText(`person.${what}`)}
    </button>
  );
}

function Remove({ peer, session, onClose }: Props & { onClose: () => void }) {
  const reason = useSignal('');
  return (
    <Dialog title={seatText('remove.title', { name: peer.name })} onClose={onClose}>
      <form
        class="stack dialog-body"
        onSubmit={(event) => {
          event.preventDefault();
          onClose();
          void session.seats.remove(peer.id, reason.value.trim());
        }}
      >
        <p class="muted">{seatText('remove.lead')}</p>
        <Field id="remove-reason" label={seatText('remove.reason')}>
          <input
            id="remove-reason"
            class="input"
            data-testid="remove-reason"
            maxLength={REASON_LENGTH}
            value={reason.value}
            onInput={(event) => {
              reason.value = event.currentTarget.value;
            }}
          />
        </Field>
        <div class="actions">
          <button type="button" class="button" onClick={onClose}>
            {t('common.close')}
          </button>
          <button type="submit" class="button live" data-testid="confirm-remove">
            {seatText('remove.confirm')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
