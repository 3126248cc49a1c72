/**
 * One move of a broadcast from the delivery node that goes to another: A has it, B copies all that there is, B takes over from segment k. In: the
 * connection to A, and a way to get B. Out: the connection to B. Asked for by DeliveryPlace.ts.
 *
 *   copying ─▶ yielding ─▶ leaving ─▶ over
 *
 * While B copies nothing is different. Then k is chosen, some time ahead: A yields it, B is told who makes it, and the compositor puts it and all
 * later ones to B, where they wait invisibly. When A has k − 1, B gets that too and says `arrived`: playlists go on there. A closes its
 * destinations, which end with k − 1, sends on who still waits, and says `left`; only then B opens them, beginning with k. So no key ever has two
 * connections.
 *
 * B is lost before `arrived`: A takes the broadcast back, and what is missing from k on is a gap.
 *
 * Timestamps: program time is the clock minus the program's `startMs`, ms.
 */
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import type { MovedFrom } from '../contracts/deliveryControl.ts';
import { partStartMs, segmentAtOrAfterMs } from '../contracts/grid.ts';
import type { DeliveryLink } from './DeliveryLink.ts';
import type { Program } from './jobs.ts';

/** From the choice of k to its beginning, ms: the orders' ways and a busy moment fit in. */
const YIELD_LEAD_MS = 1_000;
/** Beyond what was given for copying: the node's own orders and answers, ms. */
const COPIED_MARGIN_MS = 10_000;
/** From the beginning of k until B has all that is before it, ms. A lost k − 1 is given up by A within two segments. */
const ARRIVED_LIMIT_MS = 15_000;
/** From `moved` until A has closed its destinations, ms: their own limits are shorter. */
const LEFT_LIMIT_MS = 15_000;

export interface DeliveryMoveOptions {
  /** A. */
  old: DeliveryLink;
  program: () => Program;
  /** B's URL. */
  url: string;
  from: MovedFrom;
  /** Opens the broadcast on B, without destinations. */
  open: () => Promise<DeliveryLink>;
  /** Does the work when no compositor is being handed over to another, and has none begin meanwhile. */
  exclusively: <T>(work: () => Promise<T>) => Promise<T>;
  /** Throws when they can not. */
  checkCompositors: () => void;
  /** Compositors put to that node from segment k on; `next` says so, too. */
  redirect: (link: DeliveryLink, next: Program, k: number) => void;
  /** B has it. Before any destination is closed. */
  onArrived: (link: DeliveryLink) => void;
  clock: Clock;
  logger: Logger;
  /** The broadcast ends. */
  signal: AbortSignal;
}

/** Resolves with the connection to B when the broadcast is there; rejects when A goes on with it. */
export async function moveDelivery(options: DeliveryMoveOptions): Promise<DeliveryLink> {
  const { old, url, from, open, exclusively, logger, signal } = options;
  const link = await open();
  try {
    await link.next('copied', from.copyMs + COPIED_MARGIN_MS, signal);
    await exclusively(() => takeOver(link, options));
  } catch (error) {
    link.close();
    throw error;
  }
  const left = old.next('left', LEFT_LIMIT_MS);
  old.send({ type: 'moved', url });
  await left.catch((error: unknown) => logger.warn({ err: error }, 'the delivery node before did not say goodbye'));
  old.close();
  return link;
}

async function takeOver(link: DeliveryLink, options: DeliveryMoveOptions): Promise<void> {
  const { old, url, checkCompositors, redirect, onArrived, clock, logger, signal } = options;
  checkCompositors();
  const program = options.program();
  const nextSegment = (ms: number): number => segmentAtOrAfterMs(program.grid, clock.now() - program.startMs + ms);
  const k = nextSegment(YIELD_LEAD_MS);
  const inMs = partStartMs(program.grid, k, 0) + program.startMs - clock.now();
  logger.info({ from: program.deliveryUrl, to: url, k }, 'delivery is moved');
  try {
    const arrived = link.next('arrived', inMs + ARRIVED_LIMIT_MS, signal);
    old.send({ type: 'yield', from: k });
    redirect(link, { ...program, deliveryUrl: url, deliveryFrom: k }, k);
    await arrived;
  } catch (error) {
    old.send({ type: 'yield', from: null });
    const back = nextSegment(0);
    redirect(old, { ...program, deliveryFrom: back }, back);
    throw error;
  }
  onArrived(link);
}
