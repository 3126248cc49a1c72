/**
 * The broadcast as a host runs it: start, stop, destinations. Out: requests over the session's socket (StudioSession.ts owns it); how it goes
 * comes back as `broadcast:status` (RoomState.ts).
 */
import type { DestinationInput } from '../../../src/contracts/broadcast.ts';
import type { RoomState } from './RoomState.ts';
import type { SignalingClient } from './SignalingClient.ts';

export interface ShowSessionOptions {
  signaling: SignalingClient;
  state: RoomState;
  /** Does what a click asks; false when the server says no, which is shown. */
  act: (action: () => Promise<unknown>) => Promise<boolean>;
}

export class ShowSession {
  readonly #signaling: SignalingClient;
  readonly #state: RoomState;
  readonly #act: ShowSessionOptions['act'];

  constructor({ signaling, state, act }: ShowSessionOptions) {
    this.#signaling = signaling;
    this.#state = state;
    this.#act = act;
  }

  start(destinations: DestinationInput[]): Promise<boolean> {
    return this.#act(async () => {
      this.#state.broadcast.value = await this.#signaling.request('broadcast:start', { destinations });
    });
  }

  stop = (): Promise<boolean> => this.#act(() => this.#signaling.request('broadcast:stop', {}));
  addDestination = (destination: DestinationInput): Promise<boolean> =>
    this.#act(() => this.#signaling.request('destination:add', destination));
  removeDestination = (id: string): Promise<boolean> =>
    this.#act(() => this.#signaling.request('destination:remove', { id }));
}
