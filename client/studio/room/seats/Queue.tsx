import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { PeerInfo } from '../../../../src/contracts/signaling.ts';
import { PREVIEW, REASON_LENGTH } from '../../../shared/contract.ts';
import { formatDuration } from '../../../shared/format.ts';
import { seatText } from '../../../shared/seatTexts.ts';
import { useNow } from '../../../shared/useNow.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { Face } from './Face.tsx';

/** Who asks for a seat, the first on top; a host sees their pictures and answers. */
export function Queue({ session, host }: { session: StudioSession; host: boolean }) {
  const asking = session.state.asking.value;
  const now = useNow(asking.length > 0);
  if (asking.length === 0) return null;
  return (
    <section class="panel-part asking stack-tight" aria-labelledby="queue-title">
      <h2 id="queue-title">
        {seatText('queue.title')} <span class="muted small">{asking.length}</span>
      </h2>
      <ol class="stack-tight queue" aria-live="polite" aria-relevant="additions">
        {asking.map((peer) => (
          <Asker key={peer.id} peer={peer} session={session} host={host} now={now} />
        ))}
      </ol>
    </section>
  );
}

interface AskerProps {
  peer: PeerInfo;
  session: StudioSession;
  host: boolean;
  /** ms since 1970, by our clock. */
  now: number;
}

function Asker({ peer, session, host, now }: AskerProps) {
  const declining = useSignal(false);
  const picture = session.seats.previews.value.get(peer.id);
  const waited = now + session.state.clockOffset.value - (peer.askedAt ?? now);
  return (
    <li class="asker" data-testid="asker" data-peer={peer.id}>
      <div class="person">
        {picture ? (
          <img
            class="asker-picture"
            data-testid="asker-picture"
            src={picture}
            width={PREVIEW.width}
            height={PREVIEW.height}
            alt={seatText('queue.picture', { name: peer.name })}
          />
        ) : (
          <Face peer={peer} />
        )}
        <div class="grow">
          <div class="name">{peer.name}</div>
          <div class="small muted">{seatText('queue.waits', { time: formatDuration(waited) })}</div>
        </div>
      </div>
      {host && !declining.value ? (
        <div class="row">
          <button
            type="button"
            class="button primary slim grow"
            data-testid="grant-seat"
            data-peer={peer.id}
            aria-label={seatText('queue.accept.name', { name: peer.name })}
            onClick={() => void session.seats.grant(peer.id)}
          >
            {seatText('queue.accept')}
          </button>
          <button
            type="button"
            class="button slim grow"
            data-testid="decline-seat"
            data-peer={peer.id}
            aria-label={seatText('queue.decline.name', { name: peer.name })}
            onClick={() => {
              declining.value = true;
            }}
          >
            {seatText('queue.decline')}
          </button>
        </div>
      ) : null}
      {host && declining.value ? (
        <Decline
          peer={peer}
          session={session}
          onClose={() => {
            declining.value = false;
          }}
        />
      ) : null}
    </li>
  );
}

function Decline({ peer, session, onClose }: { peer: PeerInfo; session: StudioSession; onClose: () => void }) {
  const reason = useSignal('');
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const id = `decline-${peer.id}`;
  return (
    <form
      class="stack-tight"
      onSubmit={(event) => {
        event.preventDefault();
        onClose();
        void session.seats.decline(peer.id, reason.value.trim());
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <label class="small" for={id}>
        {seatText('queue.reason')}
      </label>
      <input
        id={id}
        class="input"
        data-testid="decline-reason"
        maxLength={REASON_LENGTH}
        value={reason.value}
        ref={field}
        onInput={(event) => {
          reason.value = event.currentTarget.value;
        }}
      />
      <div class="row">
        <button
          type="submit"
          class="button slim grow"
          data-testid="decline-send"
          aria-label={seatText('queue.decline.name', { name: peer.name })}
        >
          {seatText('queue.send')}
        </button>
        <button type="button" class="button outline slim grow" onClick={onClose}>
          {seatText('queue.keep')}
        </button>
      </div>
    </form>
  );
}
