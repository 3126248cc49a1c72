import type { BroadcastStatus } from '../../../src/contracts/broadcast.ts';
import { t } from '../../shared/language.ts';

type Destination = BroadcastStatus['destinations'][number];

const LOOKS: Record<Destination['state'], string> = {
  connecting: 'warn',
  live: 'good',
  reconnecting: 'warn',
  failed: 'bad',
  stopped: '',
};

/** How each destination fares, with its last error while it matters. */
export function DestinationStates({ destinations }: { destinations: readonly Destination[] }) {
  if (destinations.length === 0) return null;
  return (
    <div class="stack destinations">
      <h3>{t('destination.title')}</h3>
      <ul class="stack-tight">
        {destinations.map((destination) => (
          <li key={destination.id} class="destination-line">
            <div class="grow">
              <div class="name">{destination.name}</div>
              <div class="small muted reason">
                {destination.state !== 'live' && destination.reason ? destination.reason : destination.target}
              </div>
            </div>
            <span
              class={`badge ${LOOKS[destination.state]}`}
              data-testid="destination-state"
              data-state={destination.state}
            >
              {t(`destination.${destination.state}`)}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
