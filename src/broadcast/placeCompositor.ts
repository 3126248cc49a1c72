import { newId } from '../common/ids.ts';
import { AppError } from '../contracts/errors.ts';
import type { Directory } from '../directory/Directory.ts';
import { placementOrder } from '../directory/placement.ts';
import { CompositorRun } from './CompositorRun.ts';
import type { CompositorRunOptions } from './compositorRunTypes.ts';

export interface PlaceOptions extends Omit<CompositorRunOptions, 'agentUrl' | 'compositor' | 'signal'> {
  directory: Directory;
  signal: AbortSignal;
  /** An agent that is not asked: the broadcast is to go away from there. */
  avoid?: string | undefined;
  /** An agent that is asked when all others have refused: it may not answer at all. */
  last?: string | undefined;
}

/**
 * Asks the agents, the emptiest first, until one has a compositor; it is joined to the room, without a job. Throws the last
 * agent's refusal (AppError `no-capacity` when there is nobody to ask), and when aborted.
 */
export async function placeCompositor({ directory, avoid, last, ...options }: PlaceOptions): Promise<CompositorRun> {
  let refusal: unknown = new AppError('no-capacity');
  const agents = (await directory.agents()).filter(({ url }) => url !== avoid);
  const order = placementOrder(agents);
  for (const { url } of [...order.filter((a) => a.url !== last), ...order.filter((a) => a.url === last)]) {
    const compositor = newId('c');
    const logger = options.logger.child({ compositor });
    try {
      const run = await CompositorRun.create({ ...options, agentUrl: url, compositor, logger });
      await directory.placed(url, compositor);
      const forgotten = (error: unknown) =>
        logger.warn({ err: error }, 'compositor could not be struck off the directory');
      run.ended.then(() => directory.released(compositor)).catch(forgotten);
      return run;
    } catch (error) {
      options.signal.throwIfAborted();
      logger.warn({ err: error, agent: url }, 'agent gave no compositor');
      refusal = error;
    }
  }
  throw refusal;
}
