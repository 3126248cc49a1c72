import { useSignal } from '@preact/signals';
import type { BroadcastStatus } from '../../../src/contracts/broadcast.ts';
import { MAX_DESTINATIONS } from '../../shared/contract.ts';
import { Dialog } from '../../shared/Dialog.tsx';
import { formatDuration } from '../../shared/format.ts';
import { Icon } from '../../shared/icons.tsx';
import { t } from '../../shared/language.ts';
import { useNow } from '../../shared/useNow.ts';
import type { StudioSession } from '../session/StudioSession.ts';
import { DraftFields } from './DestinationFields.tsx';
import { type DestinationDraft, destinationsOf, newDraft } from './destinations.ts';

type Destination = BroadcastStatus['destinations'][number];

const LOOKS: Record<Destination['state'], string> = {
  connecting: 'warn',
  live: 'good',
  reconnecting: 'warn',
  failed: 'bad',
  stopped: '',
};

interface Props {
  session: StudioSession;
  destinations: readonly Destination[];
  host: boolean;
}

/** How each destination fares while the room is live, since when, and with its last error while it matters; a host adds and removes them. */
export function DestinationStates({ session, destinations, host }: Props) {
  if (destinations.length === 0 && !host) return null;
  return (
    <div class="stack destinations">
      <h3>{t('destination.title')}</h3>
      {destinations.length > 0 ? (
        <ul class="stack-tight">
          {destinations.map((destination) => (
            <Line key={destination.id} session={session} destination={destination} host={host} />
          ))}
        </ul>
      ) : null}
      {host && destinations.length < MAX_DESTINATIONS ? (
        <AddDestination session={session} number={destinations.length + 1} />
      ) : null}
    </div>
  );
}

function Line({ session, destination, host }: { session: StudioSession; destination: Destination; host: boolean }) {
  const asking = useSignal(false);
  const close = () => {
    asking.value = false;
  };
  const now = useNow(true) + session.state.clockOffset.value;
  const { name, state, cause, reason, retryAt, since, target } = destination;
  const slow = state === 'live' && cause === 'slow';
  // What was wrong once is told only while it matters.
  const wrong = reason !== '' && (state !== 'live' || slow);
  return (
    <li class="destination-item" data-testid="destination" data-id={destination.id}>
      <div class="destination-line">
        <div class="name grow">{name}</div>
        {since > 0 ? (
          <time
            class="small muted since"
            data-testid="destination-since"
            dateTime={new Date(since).toISOString()}
            title={t('destination.since', { time: new Date(since).toLocaleTimeString() })}
          >
            {formatDuration(now - since)}
          </time>
        ) : null}
        <span class={`badge ${slow ? 'warn' : LOOKS[state]}`} data-testid="destination-state" data-state={state}>
          {t(slow ? 'destination.slow' : `destination.${state}`)}
        </span>
        {host ? (
          <button
            type="button"
            class="button icon-only slim"
            data-testid="remove-destination"
            aria-label={t('destination.stop.name', { name })}
            title={t('destination.stop.name', { name })}
            onClick={() => {
              asking.value = true;
            }}
          >
            <Icon name="close" />
          </button>
        ) : null}
      </div>
      <div class="small muted reason">{target}</div>
      {wrong ? (
        <div class="small reason sentence" data-testid="destination-reason">
          {reason}
        </div>
      ) : null}
      {state === 'reconnecting' && retryAt !== null ? (
        <div class="small muted">
          {t('destination.retry', { seconds: Math.max(1, Math.ceil((retryAt - now) / 1000)) })}
        </div>
      ) : null}
      {asking.value ? (
        <Dialog title={t('destination.stop.title', { name })} onClose={close}>
          <p class="muted dialog-body">{t('destination.stop.lead')}</p>
          <div class="actions">
            <button type="button" class="button" onClick={close}>
              {t('destination.stop.keep')}
            </button>
            <button
              type="button"
              class="button live"
              data-testid="confirm-remove"
              onClick={() => {
                close();
                void session.show.removeDestination(destination.id);
              }}
            >
              {t('destination.stop.confirm')}
            </button>
          </div>
        </Dialog>
      ) : null}
    </li>
  );
}

function AddDestination({ session, number }: { session: StudioSession; number: number }) {
  const draft = useSignal<DestinationDraft | null>(null);
  const tried = useSignal(false);
  const busy = useSignal(false);
  if (!draft.value)
    return (
      <button
        type="button"
        class="button outline slim"
        data-testid="add-destination"
        onClick={() => {
          draft.value = newDraft();
          tried.value = false;
        }}
      >
        <Icon name="plus" />
        {t('destination.add')}
      </button>
    );
  const add = async () => {
    tried.value = true;
    const [destination] = (draft.value && destinationsOf([draft.value])) ?? [];
    if (!destination) return;
    busy.value = true;
    // What the server refuses stays to be mended.
    if (await session.show.addDestination(destination)) draft.value = null;
    busy.value = false;
  };
  return (
    <form
      class="stack"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void add();
      }}
    >
      <DraftFields
        draft={draft.value}
        number={number}
        tried={tried.value}
        onChange={(part) => {
          if (draft.value) draft.value = { ...draft.value, ...part };
        }}
      />
      <div class="actions">
        <button
          type="button"
          class="button slim"
          onClick={() => {
            draft.value = null;
          }}
        >
          {t('destination.cancel')}
        </button>
        <button type="submit" class="button primary slim" data-testid="start-destination" disabled={busy.value}>
          {t('destination.start')}
        </button>
      </div>
    </form>
  );
}
