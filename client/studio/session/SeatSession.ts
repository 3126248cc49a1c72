/**
 * Seats as one person in a room has them: what one asks and is told about one's own, and what a host does about those of others. In: the
 * server's events. Out: signals, and requests over the session's socket (StudioSession.ts owns it).
 */
import { effect, signal } from '@preact/signals';
import type { SourceKind } from '../../../src/contracts/ids.ts';
import type { Invitation, InvitationInput } from '../../../src/contracts/invitations.ts';
import type { ServerToClient } from '../../../src/contracts/signaling.ts';
import type { LocalMedia } from '../media/LocalMedia.ts';
import { PreviewCamera } from '../media/PreviewCamera.ts';
import type { RoomState } from './RoomState.ts';
import type { SignalingClient } from './SignalingClient.ts';

export interface SeatSessionOptions {
  signaling: SignalingClient;
  state: RoomState;
  media: LocalMedia;
  /** Does what a click asks; false when the server says no, which is shown. */
  act: (action: () => Promise<unknown>) => Promise<boolean>;
  /** One is a host from now on, by this token. */
  onToken: (token: string) => void;
}

export class SeatSession {
  /** The last change of one's own seat. */
  readonly news = signal<'granted' | 'taken' | 'declined' | 'lost' | null>(null);
  /** What the host said when they declined; empty: nothing. */
  readonly reason = signal('');
  /** One's place in the queue; null: not known, or one does not ask. */
  readonly place = signal<{ place: number; waiting: number } | null>(null);
  /** What a host did to oneself last, until it is dismissed. */
  readonly told = signal<'muted' | 'camera' | 'host' | null>(null);
  /** Peer → URL of the newest picture of somebody who asks. */
  readonly previews = signal<ReadonlyMap<string, string>>(new Map());
  /** Those that are good, the newest first; null: not asked for yet. */
  readonly invitations = signal<readonly Invitation[] | null>(null);

  readonly #options: SeatSessionOptions;
  readonly #stops: (() => void)[];

  constructor(options: SeatSessionOptions) {
    this.#options = options;
    const { state, media } = options;
    const camera = new PreviewCamera((picture) => this.#sendPicture(picture));
    this.#stops = [
      effect(() => camera.show(state.self.value?.asking === true ? media.camera.value : null)),
      () => camera.close(),
      effect(() => this.#forgetPictures(new Set(state.asking.value.map(({ id }) => id)))),
      effect(() => {
        if (!state.self.value?.asking) this.place.value = null;
      }),
    ];
  }

  request(): Promise<boolean> {
    this.news.value = null;
    this.reason.value = '';
    return this.#act('seat:request', {});
  }

  withdraw = (): Promise<boolean> => this.#act('seat:withdraw', {});
  grant = (peerId: string): Promise<boolean> => this.#act('seat:grant', { peerId });
  decline = (peerId: string, reason: string): Promise<boolean> =>
    this.#act('seat:decline', { peerId, ...(reason ? { reason } : {}) });
  take = (peerId: string): Promise<boolean> => this.#act('seat:take', { peerId });
  setOnProgram = (peerId: string, on: boolean): Promise<boolean> => this.#act('seat:program', { peerId, on });
  mute = (peerId: string, source: SourceKind): Promise<boolean> => this.#act('seat:mute', { peerId, source });
  remove = (peerId: string, reason: string): Promise<boolean> =>
    this.#act('peer:remove', { peerId, ...(reason ? { reason } : {}) });
  nameHost = (peerId: string): Promise<boolean> => this.#act('peer:host', { peerId });

  /** A link for one person; undefined when it could not be made, which is shown. */
  async invite(input: InvitationInput): Promise<string | undefined> {
    let link: string | undefined;
    await this.#options.act(async () => {
      const { path } = await this.#options.signaling.request('invitation:create', input);
      link = location.origin + path;
    });
    await this.listInvitations();
    return link;
  }

  async revoke(id: string): Promise<void> {
    await this.#act('invitation:revoke', { id });
    await this.listInvitations();
  }

  async listInvitations(): Promise<void> {
    try {
      const { invitations } = await this.#options.signaling.request('invitation:list', {});
      this.invitations.value = invitations;
    } catch {
      // A list that is not there is asked for again with the next link.
    }
  }

  readonly events: Pick<
    ServerToClient,
    'seat:declined' | 'seat:place' | 'seat:preview' | 'seat:muted' | 'role:changed'
  > = {
    'seat:declined': ({ reason = '' }) => {
      this.news.value = 'declined';
      this.reason.value = reason;
    },
    'seat:place': (place) => {
      this.place.value = place;
    },
    'seat:preview': ({ peerId, picture }) => this.#onPicture(peerId, picture),
    'seat:muted': ({ source }) => this.#onMuted(source),
    'role:changed': ({ token }) => {
      this.told.value = 'host';
      this.#options.onToken(token);
    },
  };

  #onMuted(source: SourceKind): void {
    const { media } = this.#options;
    if (source === 'microphone') media.setMuted(true);
    else if (source === 'camera') media.stop('camera');
    else media.stopScreen();
    this.told.value = source === 'microphone' ? 'muted' : source === 'camera' ? 'camera' : this.told.value;
  }

  #onPicture(peerId: string, picture: Uint8Array | ArrayBuffer): void {
    if (!this.#options.state.peers.value.get(peerId)?.asking) return;
    const url = URL.createObjectURL(new Blob([picture as ArrayBuffer], { type: 'image/jpeg' }));
    const before = this.previews.value.get(peerId);
    this.previews.value = new Map(this.previews.value).set(peerId, url);
    if (before) URL.revokeObjectURL(before);
  }

  #forgetPictures(asking: ReadonlySet<string>): void {
    const previews = this.previews.peek();
    const kept = [...previews].filter(([peer]) => asking.has(peer));
    if (kept.length === previews.size) return;
    for (const [peer, url] of previews) if (!asking.has(peer)) URL.revokeObjectURL(url);
    this.previews.value = new Map(kept);
  }

  #sendPicture(picture: Uint8Array): void {
    // One that does not arrive is followed by the next.
    void this.#options.signaling.request('seat:preview', { picture }).catch(() => undefined);
  }

  #act: <E extends Parameters<SignalingClient['request']>[0]>(
    event: E,
    payload: Parameters<SignalingClient['request']>[1],
  ) => Promise<boolean> = (event, payload) =>
    this.#options.act(() => this.#options.signaling.request(event, payload as never));

  close(): void {
    for (const stop of this.#stops) stop();
    this.#forgetPictures(new Set());
  }
}
