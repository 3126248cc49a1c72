/**
 * The broadcast as a host runs it: start, stop, schedule, recording, destinations. Out: requests over the session's socket (StudioSession.ts owns
 * it); how it goes comes back as `broadcast:status` and `schedule:changed` (RoomState.ts).
 */
import type { DestinationInput } from '../../../src/contracts/broadcast.ts';
import type { CaptionAnswer, CaptionInput } from '../../../src/contracts/captions.ts';
import type { ClientToServer } from '../../../src/contracts/signaling.ts';
import type { RoomState } from './RoomState.ts';
import { ShowDraft } from './ShowDraft.ts';
import type { SignalingClient } from './SignalingClient.ts';

export interface ShowSessionOptions {
  signaling: SignalingClient;
  state: RoomState;
  /** Does what a click asks; false when the server says no, which is shown. */
  act: (action: () => Promise<unknown>) => Promise<boolean>;
}

/** What a broadcast starts with. */
export type ShowInput = Parameters<ClientToServer['broadcast:start']>[0];

export class ShowSession {
  /** What the host has chosen and not sent yet. */
  readonly draft = new ShowDraft();
  readonly #signaling: SignalingClient;
  readonly #state: RoomState;
  readonly #act: ShowSessionOptions['act'];

  constructor({ signaling, state, act }: ShowSessionOptions) {
    this.#signaling = signaling;
    this.#state = state;
    this.#act = act;
  }

  start(input: ShowInput): Promise<boolean> {
    return this.#act(async () => {
      this.#state.broadcast.value = await this.#signaling.request('broadcast:start', input);
    });
  }

  /** After so many seconds by the server's clock, which everybody in the room sees. Without an input what is scheduled starts. */
  countDown(inSeconds: number, broadcast?: ShowInput): Promise<boolean> {
    return this.#schedule({ inSeconds, ...(broadcast ? { broadcast } : {}) });
  }

  /** `startsAt`: ms since 1970. Without an input what is scheduled is only moved. */
  schedule(when: { startsAt: number; title: string }, broadcast?: ShowInput): Promise<boolean> {
    return this.#schedule({ ...when, ...(broadcast ? { broadcast } : {}) });
  }

  startScheduled = (): Promise<boolean> =>
    this.#act(async () => {
      this.#state.broadcast.value = await this.#signaling.request('schedule:start', {});
    });
  /** Calls it off; a countdown leads back to what was scheduled before. */
  cancelSchedule = (): Promise<boolean> => this.#act(() => this.#signaling.request('schedule:cancel', {}));
  /** A line of captions; undefined when the server says no, which is shown. */
  async say(input: CaptionInput): Promise<CaptionAnswer | undefined> {
    let answer: CaptionAnswer | undefined;
    await this.#act(async () => {
      answer = await this.#signaling.request('caption:say', input);
    });
    return answer;
  }

  stop = (): Promise<boolean> => this.#act(() => this.#signaling.request('broadcast:stop', {}));
  record = (on: boolean): Promise<boolean> => this.#act(() => this.#signaling.request('broadcast:record', { on }));
  addDestination = (destination: DestinationInput): Promise<boolean> =>
    this.#act(() => this.#signaling.request('destination:add', destination));
  removeDestination = (id: string): Promise<boolean> =>
    this.#act(() => this.#signaling.request('destination:remove', { id }));

  #schedule(input: Parameters<ClientToServer['schedule:set']>[0]): Promise<boolean> {
    return this.#act(async () => {
      this.#state.schedule.value = await this.#signaling.request('schedule:set', input);
    });
  }
}
