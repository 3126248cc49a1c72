/**
 * One person in one room, from joining to leaving. The way: socket → `join` → MediaLink → what LocalMedia holds is sent.
 * A dropped socket, a dead worker and a dead network all end in the same place: `join` again, build a new MediaLink.
 */
import { effect, signal } from '@preact/signals';
import type { JoinAnswer, LeaveReason, ServerToClient } from '../../../src/contracts/signaling.ts';
import { Backoff } from '../../shared/backoff.ts';
import { type Problem, ProblemError, problemOf, problemOfCode } from '../../shared/problems.ts';
import type { LocalMedia } from '../media/LocalMedia.ts';
import { FINAL } from './finalProblems.ts';
import { HealthSession } from './HealthSession.ts';
import type { MediaLink } from './MediaLink.ts';
import { isProgramTrack, MonitorSession } from './MonitorSession.ts';
import { RoomState } from './RoomState.ts';
import { SceneEditor } from './SceneEditor.ts';
import { SeatSession } from './SeatSession.ts';
import { ShowSession } from './ShowSession.ts';
import { SignalingClient } from './SignalingClient.ts';

/** `left` is the end: `problem` says why, null when the person wanted it. */
export type Phase = 'idle' | 'joining' | 'joined' | 'reconnecting' | 'left';

/** Where a tab keeps which peer it is, so that a reload comes back to its own seat. */
export interface PeerMemory {
  recall(): string | undefined;
  remember(peerId: string): void;
}

export interface StudioSessionOptions {
  room: string;
  token: string;
  media: LocalMedia;
  memory: PeerMemory;
  renewToken: () => Promise<string>;
  /** The page got the token by itself, not from a link: it may be renewed before it was ever good. */
  ownToken?: boolean;
  /** One was named a host: the token to keep. */
  onToken: (token: string) => void;
}

const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 8_000;
/** A room that moves to another server is back within this; until then nobody is told of a connection that fails, ms. */
const MOVE_PATIENCE_MS = 10_000;
/** What the host who removed one said. */
const quoted = (words = ''): string => (words === '' ? '' : `“${words}”`);
export class StudioSession {
  readonly state = new RoomState();
  /** How the program looks and sounds; hosts change it here. */
  readonly scene = new SceneEditor({
    set: (scene, ifMatch) => this.#signaling.request('scene:set', { scene, ifMatch }),
    onRefused: (problem) => {
      this.refused.value = problem;
    },
  });
  readonly phase = signal<Phase>('idle');
  /** Media is being built or built again. */
  readonly mediaReady = signal(false);
  /** Why it does not work right now, or why it ended. */
  readonly problem = signal<Problem | null>(null);
  /** What the last click could not do. */
  readonly refused = signal<Problem | null>(null);
  /** One's own seat, and as a host those of others. */
  readonly seats: SeatSession;
  /** The broadcast, as a host runs it. */
  readonly show: ShowSession;
  /** How it fares. */
  readonly health: HealthSession;
  /** The program as it goes out. */
  readonly monitor: MonitorSession;

  readonly #media: LocalMedia;
  readonly #signaling: SignalingClient;
  readonly #backoff = new Backoff(RETRY_FIRST_MS, RETRY_MOST_MS);
  #name = '';
  #answer: JoinAnswer | undefined;
  #link: MediaLink | undefined;
  #stopSending: (() => void) | undefined;
  /** Grows with each rebuild: an older one that is still under way gives up. */
  #generation = 0;
  /** The token has been renewed since the last time that it was taken. */
  #renewed = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** When the server said that the room moves; since then nobody has joined. */
  #movedAt = Number.NEGATIVE_INFINITY;

  /** The peer that this tab was before it was loaded again, if it was one; told to `remember` after each join. */
  readonly #memory: PeerMemory;

  /** Gets another token for the same person when the server takes this one no more; throws ProblemError. */
  readonly #renewToken: () => Promise<string>;

  readonly #ownToken: boolean;

  constructor({ room, token, media, memory, renewToken, onToken, ownToken = false }: StudioSessionOptions) {
    this.#media = media;
    this.#memory = memory;
    this.#renewToken = renewToken;
    this.#ownToken = ownToken;
    this.#signaling = new SignalingClient(room, token);
    this.seats = new SeatSession({
      ...{ signaling: this.#signaling, state: this.state, media },
      act: (action) => this.#act(action),
      onToken: (next) => {
        this.#signaling.setToken(next);
        onToken(next);
      },
    });
    this.show = new ShowSession({
      ...{ signaling: this.#signaling, state: this.state },
      act: (action) => this.#act(action),
    });
    this.health = new HealthSession(this.#signaling, this.state, media, () => this.#link?.uploadStats());
    this.monitor = new MonitorSession(this.#signaling);
    this.#listen();
  }

  join(name: string): void {
    if (this.phase.value !== 'idle') return;
    this.#name = name;
    this.phase.value = 'joining';
    this.#signaling.socket.connect();
  }

  async leave(): Promise<void> {
    // What the server does not hear now it hears by the closed socket.
    await this.#signaling.request('leave', {}).catch(() => undefined);
    this.#end(null);
  }

  /** Ends without a word to the server, as when the page goes away. Idempotent. */
  close(): void {
    this.#end(null);
  }

  /** The size at which a remote video is seen, device pixels. */
  setSize(consumerId: string, width: number, height: number): void {
    this.#link?.setSize(consumerId, width, height);
  }

  /** Does what a click asks; false and `refused` when the server says no. */
  async #act(action: () => Promise<unknown>): Promise<boolean> {
    this.refused.value = null;
    try {
      await action();
      return true;
    } catch (error) {
      this.refused.value = problemOf(error);
      return false;
    }
  }

  #listen(): void {
    const { socket } = this.#signaling;
    const shared = { ...this.state.events, ...this.seats.events, ...this.health.events };
    for (const [event, listener] of Object.entries(shared)) socket.on(event as never, listener as never);
    const events: Pick<
      ServerToClient,
      | 'consumer:new'
      | 'consumer:closed'
      | 'consumer:paused'
      | 'consumer:resumed'
      | 'seat:changed'
      | 'media:reset'
      | 'scene:changed'
      | 'left'
      | 'moved'
    > = {
      'consumer:new': (consumer, ack) => {
        const link = this.#link;
        if (!link) {
          ack(false);
          return;
        }
        link.consume(consumer, ack).catch((error: unknown) => {
          if (link === this.#link) this.#onMediaError(error);
        });
      },
      'consumer:closed': ({ consumerId }) => this.#link?.consumerClosed(consumerId),
      'consumer:paused': ({ consumerId }) => this.#link?.consumerPaused(consumerId, true),
      'consumer:resumed': ({ consumerId }) => this.#link?.consumerPaused(consumerId, false),
      'seat:changed': ({ seated }) => this.#onSeat(seated),
      'media:reset': ({ routerRtpCapabilities }) => {
        if (this.#answer) this.#answer = { ...this.#answer, routerRtpCapabilities };
        void this.#buildMedia();
      },
      'scene:changed': (scene) => this.scene.changed(scene),
      left: ({ reason, message, words }) => this.#onLeft(reason, reason === 'removed' ? quoted(words) : message),
      moved: () => this.#onMoved(),
    };
    for (const [event, listener] of Object.entries(events)) socket.on(event as never, listener as never);
    socket.on('connect', () => void this.#enter());
    // Our own disconnect is one half of a renewal.
    socket.on('disconnect', (reason) => {
      if (reason !== 'io client disconnect') this.#onLost();
    });
    socket.on('connect_error', (error) => {
      const code = (error as { data?: { code?: unknown } }).data?.code;
      // Without a code it is the network's error, and socket.io tries again by itself.
      if (typeof code === 'string') {
        if (!this.#signaling.asksOlder(code)) this.#onProblem(problemOfCode(code, error.message));
      } else if (!this.#moving) this.problem.value = { code: 'server-unreachable', detail: '' };
    });
  }

  async #enter(): Promise<void> {
    try {
      const resume = this.#memory.recall();
      const answer = await this.#signaling.request('join', { name: this.#name, ...(resume ? { resume } : {}) });
      this.#answer = answer;
      this.#memory.remember(answer.self.id);
      if (this.state.self.value?.seated && !answer.self.seated) this.seats.news.value = 'lost';
      this.state.joined(answer);
      this.scene.joined(answer.scene);
      this.problem.value = null;
      this.#backoff.success();
      this.#renewed = false;
      this.#movedAt = Number.NEGATIVE_INFINITY;
      this.phase.value = 'joined';
      await this.#buildMedia();
    } catch (error) {
      this.#onProblem(problemOf(error));
    }
  }

  async #buildMedia(): Promise<void> {
    const generation = ++this.#generation;
    const answer = this.#answer;
    this.#dropMedia();
    // Who has no seat gets the program as HLS, and no media from here.
    if (!answer || !this.state.self.value?.seated) return;
    const current = () => generation === this.#generation && this.phase.value === 'joined';
    try {
      const { MediaLink } = await import('./MediaLink.ts');
      if (!current()) return;
      const link = await MediaLink.create({
        signaling: this.#signaling,
        routerRtpCapabilities: answer.routerRtpCapabilities,
        iceServers: answer.iceServers,
        onRemote: (tracks) => {
          if (!current()) return;
          this.state.remote.value = tracks.filter((track) => !isProgramTrack(track));
          this.monitor.tracks.value = tracks.filter(isProgramTrack);
        },
        onFailed: () => {
          if (current()) this.#onMediaError(new ProblemError('media-failed'));
        },
      });
      if (!current()) return link.close();
      this.#link = link;
      await link.startReceiving();
      if (!current()) return;
      this.#send(link);
      this.monitor.connected(true);
      this.mediaReady.value = true;
    } catch (error) {
      if (current()) this.#onMediaError(error);
    }
  }

  /** Keeps what is sent the same as what LocalMedia holds. */
  #send(link: MediaLink): void {
    const { camera, microphone, screen, screenAudio, muted } = this.#media;
    const failed = (error: unknown) => {
      if (link === this.#link) this.#onMediaError(error);
    };
    const stops = [
      effect(() => {
        // A change of the mode brings another track.
        const music = this.#media.settings.music.peek();
        const wanted = { track: microphone.value, paused: muted.value, keep: true, music };
        link.set('microphone', wanted).catch(failed);
      }),
      effect(() => void link.set('camera', { track: camera.value, paused: false, keep: true }).catch(failed)),
      effect(() => void link.set('screen', { track: screen.value, paused: false, keep: false }).catch(failed)),
      effect(
        () => void link.set('screen-audio', { track: screenAudio.value, paused: false, keep: false }).catch(failed),
      ),
    ];
    this.#stopSending = () => {
      for (const stop of stops) stop();
    };
  }

  #dropMedia(): void {
    this.#stopSending?.();
    this.#stopSending = undefined;
    this.monitor.connected(false);
    this.#link?.close();
    this.#link = undefined;
    this.mediaReady.value = false;
    this.state.remote.value = [];
    this.state.speakers.value = [];
  }

  #onSeat(seated: boolean): void {
    this.seats.news.value = seated ? 'granted' : 'taken';
    const { self } = this.state;
    if (self.value) this.state.events['peer:updated']({ ...self.value, seated, asking: false });
    if (seated) void this.#media.open();
    else this.#media.stopScreen();
    void this.#buildMedia();
  }

  #onLost(): void {
    if (this.phase.value === 'left') return;
    if (!this.#moving) {
      this.phase.value = this.phase.value === 'joining' ? 'joining' : 'reconnecting';
      this.problem.value = { code: 'connection-lost', detail: '' };
    }
    // Pictures and sound still flow while only the socket is gone; the new `join` replaces them.
    if (!this.#signaling.socket.active) this.#tryAgain();
  }

  #onLeft(reason: LeaveReason, message: string): void {
    // A server that stops is often back soon; the closed socket follows, and then we try.
    if (reason === 'shutting-down') this.problem.value = { code: reason, detail: message };
    else this.#end({ code: reason, detail: message });
  }

  /** The server hands its rooms on: another one has this room at once. Pictures and sound go on until `join` replaces them. */
  #onMoved(): void {
    this.#movedAt = performance.now();
    this.#signaling.renew();
  }

  get #moving(): boolean {
    return performance.now() - this.#movedAt < MOVE_PATIENCE_MS;
  }

  /** Joining failed, or the server refused the socket. */
  #onProblem(problem: Problem): void {
    if (this.phase.value === 'left') return;
    // Only who was in the room already: a link that never was good is told so.
    if (problem.code === 'unauthorized' && (this.#answer || this.#ownToken) && !this.#renewed) {
      this.#renewed = true;
      void this.#comeWithNewToken(problem);
      return;
    }
    if (FINAL.includes(problem.code)) {
      this.#end(problem);
      return;
    }
    if (!this.#moving) this.problem.value = problem;
    this.#tryAgain();
  }

  /** A server without a secret has new keys after each start, and gives a token to whoever asks. */
  async #comeWithNewToken(refusal: Problem): Promise<void> {
    try {
      this.#signaling.setToken(await this.#renewToken());
      this.#tryAgain();
    } catch (error) {
      const { code } = problemOf(error);
      this.#renewed = code === 'invitation-needed';
      this.#onProblem(code === 'invitation-needed' ? refusal : problemOf(error));
    }
  }

  /** The media connection is of no use; a new socket gives a clean start on both sides. */
  #onMediaError(error: unknown): void {
    // What a server that is going takes with it is built anew after the next `join`.
    if (this.phase.value !== 'joined' || this.#moving) return;
    const problem = problemOf(error);
    if (problem.code === 'no-webrtc') {
      this.#end(problem);
      return;
    }
    // A socket that is gone is taken care of where it is noticed.
    if (problem.code === 'connection-lost' && !this.#signaling.socket.connected) return;
    console.warn('media connection failed, building it anew', error);
    this.problem.value = problem.code === 'connection-lost' ? problem : { ...problem, code: 'media-failed' };
    this.#generation++;
    this.#dropMedia();
    this.phase.value = 'reconnecting';
    this.#tryAgain();
  }

  #tryAgain(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      if (this.phase.value !== 'left') this.#signaling.renew();
    }, this.#backoff.next());
  }

  #end(problem: Problem | null): void {
    if (this.phase.value === 'left') return;
    this.phase.value = 'left';
    this.problem.value = problem;
    this.#generation++;
    clearTimeout(this.#retry);
    this.#dropMedia();
    this.seats.close();
    this.health.close();
    this.monitor.close();
    this.#signaling.close();
    this.#media.close();
  }
}
