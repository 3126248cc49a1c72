import { InfoNotice } from '../../../shared/InfoNotice.tsx';
import { Icon } from '../../../shared/icons.tsx';
import { type SeatTextKey, seatText } from '../../../shared/seatTexts.ts';
import type { StudioSession } from '../../session/StudioSession.ts';

const TOLD = { muted: 'self.muted', camera: 'self.camera', host: 'self.host' } as const satisfies Record<
  string,
  SeatTextKey
>;

/** What somebody with a seat must know of it: that they are on air from one moment to the next, or are not, and what a host did. */
export function SeatNotices({ session }: { session: StudioSession }) {
  const { seats, state } = session;
  const self = state.self.value;
  const told = seats.told.value;
  return (
    <>
      {self?.offProgram ? (
        <div class="notice" role="status" data-testid="green-room">
          <Icon name="info" />
          <strong class="grow">{seatText('self.green')}</strong>
        </div>
      ) : null}
      {self?.mayStop && state.onAir.value ? (
        <div class="notice" role="status" data-testid="steward">
          <Icon name="info" />
          <strong class="grow">{seatText('self.steward')}</strong>
        </div>
      ) : null}
      {seats.news.value === 'granted' && !self?.offProgram ? (
        <InfoNotice
          testId="seat-granted"
          onClose={() => {
            seats.news.value = null;
          }}
        >
          <strong class="grow">{seatText('seat.granted')}</strong>
        </InfoNotice>
      ) : null}
      {told ? (
        <InfoNotice
          testId={`told-${told}`}
          onClose={() => {
            seats.told.value = null;
          }}
        >
          <strong class="grow">{seatText(TOLD[told])}</strong>
        </InfoNotice>
      ) : null}
    </>
  );
}
