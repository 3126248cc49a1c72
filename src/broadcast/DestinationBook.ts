/**
 * The destinations of one broadcast as the controller keeps them. In: those that were asked for, and delivery's reports. Out: the status board, and an
 * event for each change of state, which webhooks are made from.
 */
import type { DestinationStatus } from '../contracts/deliveryControl.ts';
import { AppError } from '../contracts/errors.ts';
import { type Destination, keyInUse } from './destinations.ts';
import type { KeyClaims } from './KeyClaims.ts';

const MAX_DESTINATIONS = 16;

/** A destination has come into `status.state`. */
export interface DestinationEvent {
  room: string;
  broadcast: string;
  status: DestinationStatus;
}

export interface DestinationBookOptions {
  room: string;
  broadcast: string;
  board: { destination(status: DestinationStatus): void; removeDestination(id: string): void };
  keys: KeyClaims;
  onDestination?: (event: DestinationEvent) => void;
}

type Counted = Pick<DestinationStatus, 'connects' | 'bytes' | 'droppedGops'>;

export class DestinationBook {
  readonly #options: DestinationBookOptions;
  readonly #current = new Map<string, Destination>();
  /** Removed, but their connections may still stand. */
  readonly #leaving = new Map<string, Destination>();
  /** What destinations had counted on delivery nodes that the broadcast was on before. */
  readonly #before = new Map<string, Counted>();

  constructor(options: DestinationBookOptions) {
    this.#options = options;
  }

  get all(): readonly Destination[] {
    return [...this.#current.values()];
  }

  /** Throws AppError `conflict` when there are too many, or when the stream key is pushed to already. */
  add(destination: Destination): void {
    const { id } = destination.status;
    const same = this.#current.get(id);
    if (same) throw keyInUse(same);
    if (this.#current.size >= MAX_DESTINATIONS) {
      this.#free(destination);
      throw new AppError('conflict', `A broadcast has at most ${MAX_DESTINATIONS} destinations.`);
    }
    const owner = this.#options.keys.claim(destination.identity, id);
    if (owner !== undefined) throw keyInUse(this.#current.get(owner));
    this.#current.set(id, destination);
    this.#options.board.destination(destination.status);
  }

  /** Asks the fleet for its stream key, before `add`. Throws AppError `conflict` when it is pushed to already, `directory-unavailable`. */
  async reserve({ identity, status }: Destination): Promise<void> {
    const { keys, broadcast } = this.#options;
    const owner = await keys.reserve(identity, status.id, broadcast);
    if (owner !== undefined) throw keyInUse(this.#current.get(owner));
  }

  /** The broadcast was another node's before: its keys are this node's from now on. `fence` is the broadcast's. */
  async adopt(fence: number): Promise<void> {
    const { keys, broadcast } = this.#options;
    await Promise.all(this.all.map(({ identity, status }) => keys.adopt(identity, status.id, broadcast, fence)));
  }

  /** All, or none when one of them can not be. */
  addAll(destinations: readonly Destination[]): void {
    try {
      for (const destination of destinations) this.add(destination);
    } catch (error) {
      for (const destination of this.all) this.#free(destination);
      throw error;
    }
  }

  /** Throws AppError `not-found`. `reported`: delivery has it, and will report when it is gone. */
  remove(id: string, reported: boolean): void {
    const destination = this.#current.get(id);
    if (!destination) throw new AppError('not-found', 'The broadcast has no such destination.');
    this.#current.delete(id);
    this.#options.board.removeDestination(id);
    // Delivery waits with the next connection of the key until this one is gone.
    this.#free(destination);
    if (reported) this.#leaving.set(id, destination);
    else this.#stopped(destination);
  }

  /** Another delivery node has them now, and counts from 0. */
  moved(): void {
    for (const { connects, bytes, droppedGops, id } of [...this.#current.values()].map(({ status }) => status))
      this.#before.set(id, { connects, bytes, droppedGops });
  }

  /** What delivery tells of a destination. */
  report(told: DestinationStatus): void {
    const status = this.#counted(told);
    const leaving = this.#leaving.get(status.id);
    if (leaving && status.state === 'stopped') {
      this.#leaving.delete(status.id);
      this.#emit(status);
    }
    const destination = this.#current.get(status.id);
    if (!destination) return;
    const { state } = destination.status;
    destination.status = status;
    this.#options.board.destination(status);
    if (state === status.state) return;
    if (status.state === 'failed' || status.state === 'stopped') this.#free(destination);
    this.#emit(status);
  }

  /** The broadcast is over: what delivery has not told of is gone all the same. */
  close(): void {
    for (const destination of [...this.#leaving.values(), ...this.#current.values()]) {
      this.#free(destination);
      if (destination.status.state !== 'stopped') this.#stopped(destination);
    }
    this.#leaving.clear();
  }

  #counted(told: DestinationStatus): DestinationStatus {
    const before = this.#before.get(told.id);
    if (!before) return told;
    return {
      ...told,
      connects: told.connects + before.connects,
      bytes: told.bytes + before.bytes,
      droppedGops: told.droppedGops + before.droppedGops,
    };
  }

  /** Another node goes on with the broadcast: nothing has stopped. */
  letGo(): void {
    for (const destination of this.all) this.#free(destination);
    this.#current.clear();
    this.#leaving.clear();
  }

  #stopped(destination: Destination): void {
    destination.status = { ...destination.status, state: 'stopped', since: Date.now(), retryAt: null };
    if (this.#current.has(destination.status.id)) this.#options.board.destination(destination.status);
    this.#emit(destination.status);
  }

  #free({ identity, status }: Destination): void {
    this.#options.keys.release(identity, status.id);
  }

  #emit(status: DestinationStatus): void {
    const { room, broadcast, onDestination } = this.#options;
    onDestination?.({ room, broadcast, status });
  }
}
