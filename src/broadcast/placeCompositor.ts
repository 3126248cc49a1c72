import { newId } from '../common/ids.ts';
import { CompositorRun, type CompositorRunOptions } from './CompositorRun.ts';
import type { Places } from './place/Places.ts';
import type { PlaceAsk } from './place/Ticket.ts';

export interface PlaceOptions
  extends Omit<CompositorRunOptions, 'agentUrl' | 'protocol' | 'compositor' | 'signal' | 'slots'> {
  places: Places;
  ask: PlaceAsk;
  /** Called when it is its turn, before the agent is asked. */
  onTurn?: () => Promise<void>;
}

/**
 * A compositor that is joined to the room, without a job: waits for its turn, and asks the agents that it is given one after the other. Throws AppError
 * `no-capacity` when there was none for too long, and when aborted.
 */
export function placeCompositor({ places, ask, onTurn, ...options }: PlaceOptions): Promise<CompositorRun> {
  return places.place(ask, async (agentUrl, slots, protocol) => {
    await onTurn?.();
    const compositor = newId('c');
    const logger = options.logger.child({ compositor });
    return CompositorRun.create({ ...options, agentUrl, protocol, compositor, slots, logger, signal: ask.signal });
  });
}
