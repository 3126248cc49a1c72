import { Icon } from '../../../shared/icons.tsx';
import { seatText } from '../../../shared/seatTexts.ts';
import type { StudioSession } from '../../session/StudioSession.ts';

/** Where one stands who asks for a seat, and the way out; or what the host said; or the way to ask. */
export function QueueState({ session }: { session: StudioSession }) {
  const { seats, state } = session;
  if (!state.self.value?.asking)
    return (
      <>
        {seats.news.value === 'declined' ? <Declined reason={seats.reason.value} /> : null}
        <button
          type="button"
          class="button primary large"
          data-testid="seat-request"
          onClick={() => void seats.request()}
        >
          <Icon name="hand" />
          {seatText(seats.news.value === 'declined' ? 'ask.again' : 'ask.send')}
        </button>
      </>
    );
  const place = seats.place.value;
  return (
    <>
      <p class="queue-place" role="status" data-testid="seat-place" data-place={place?.place}>
        {place === null
          ? seatText('ask.waiting.title')
          : place.place === 1
            ? seatText('ask.next')
            : seatText('ask.place', place)}
      </p>
      <p class="muted">{seatText('ask.waiting.lead')}</p>
      <button
        type="button"
        class="button outline large"
        data-testid="seat-withdraw"
        onClick={() => void seats.withdraw()}
      >
        {seatText('ask.withdraw')}
      </button>
    </>
  );
}

function Declined({ reason }: { reason: string }) {
  return (
    <div class="notice" role="status" data-testid="seat-declined">
      <Icon name="info" />
      <div class="grow">
        <strong>{seatText('ask.declined')}</strong>
        {reason ? <span class="reason">{seatText('ask.reason', { reason })}</span> : null}
      </div>
    </div>
  );
}
