import { signal } from '@preact/signals';
import type { Role } from '../../src/contracts/tokens.ts';
import type { ChatWish } from '../shared/chat/ChatClient.ts';
import { roomOfPath } from '../shared/contract.ts';
import { type Problem, problemOf } from '../shared/problems.ts';
import { remembered, tab } from '../shared/storage.ts';
import { claimsOf, forgetToken, hasHost, isOwnToken, keepToken, requestToken, takeToken } from '../shared/tokens.ts';
import type { NetworkProbe, Step } from './door/network/NetworkProbe.ts';
import { LocalMedia } from './media/LocalMedia.ts';
import { StudioSession } from './session/StudioSession.ts';
import { fetchAsset, uploadAsset } from './session/uploadAsset.ts';

/** The studio page: gets a token, keeps devices and session, and is what components read. */
export class Studio {
  readonly room: string;
  readonly role = signal<Role>('cohost');
  readonly name = signal(remembered.get('name') ?? '');
  /** The token gives the name; it cannot be chosen. */
  readonly nameFixed = signal(false);
  /** The page cannot be used; set before there is a session. */
  readonly problem = signal<Problem | null>(null);
  readonly ready = signal(false);
  readonly session = signal<StudioSession | null>(null);
  readonly media = signal(new LocalMedia());
  #token = '';

  /** Reads the room from the address. */
  constructor(path: string) {
    this.room = roomOfPath(path) ?? '';
  }

  /** Gets a token: the address's, this tab's, or a new one where the server gives them freely. */
  async open(wish: string | null): Promise<void> {
    this.problem.value = null;
    if (!this.room) {
      this.problem.value = { code: 'bad-room', detail: '' };
      return;
    }
    // Said at the door, before anybody has dressed up for it.
    if (isSecureContext && !('RTCPeerConnection' in globalThis)) {
      this.problem.value = { code: 'no-webrtc', detail: '' };
      return;
    }
    try {
      this.#useToken(takeToken(this.room) ?? (await this.#askForToken(wish)));
      this.ready.value = true;
    } catch (error) {
      this.problem.value = problemOf(error);
    }
  }

  /** Goes into the room with what the person chose. */
  join(name: string): void {
    this.name.value = name;
    if (!this.nameFixed.value) remembered.set('name', name);
    const session = new StudioSession({
      room: this.room,
      token: this.#token,
      media: this.media.value,
      ownToken: isOwnToken(this.#token),
      memory: {
        recall: () => tab.get(`peer.${this.room}`),
        remember: (peerId) => tab.set(`peer.${this.room}`, peerId),
      },
      renewToken: async () => {
        const token = await requestToken(this.room, { role: this.role.value });
        keepToken(this.room, token);
        this.#token = token;
        return token;
      },
      onToken: (token) => {
        keepToken(this.room, token);
        this.#useToken(token);
      },
    });
    this.session.value = session;
    session.join(name);
  }

  /** After leaving, back to the door. A token that was refused is of no use there. */
  async again(): Promise<void> {
    const refused = this.session.value?.problem.value?.code;
    this.session.value?.close();
    this.media.value = new LocalMedia();
    this.session.value = null;
    if (refused !== 'unauthorized') return;
    forgetToken(this.room);
    this.ready.value = false;
    await this.open(this.role.value);
  }

  /** Sends an image or sound for the scene, as a host; its id. Throws ProblemError. */
  upload = (file: Blob, kind: 'image' | 'audio'): Promise<string> =>
    uploadAsset({ room: this.room, token: this.#token, file, kind });

  /** An image of the scene. Throws ProblemError. */
  asset = (id: string): Promise<Blob> => fetchAsset(id, this.#token);

  /** Tests the way to the media server; loaded when somebody wants it. */
  createProbe = async (onStep: (step: Step) => void): Promise<NetworkProbe> => {
    const { NetworkProbe } = await import('./door/network/NetworkProbe.ts');
    return new NetworkProbe({ room: this.room, token: this.#token, onStep });
  };

  /** With what this person comes to the chat. */
  get chatWish(): ChatWish {
    return { room: this.room, token: this.#token, name: this.name.value };
  }

  get watchLink(): string {
    return `${location.origin}/watch/${this.room}`;
  }

  #useToken(token: string): void {
    this.#token = token;
    const { role, name } = claimsOf(token);
    if (role) this.role.value = role;
    if (name) this.name.value = name;
    // A name that this browser knows as its own came from the start page and may be changed no more than the token.
    this.nameFixed.value = name !== undefined;
  }

  /** The first to open a room by its address alone is its host. */
  async #askForToken(wish: string | null): Promise<string> {
    const role =
      wish === 'host' || wish === 'cohost' || wish === 'audience'
        ? wish
        : (await hasHost(this.room))
          ? 'cohost'
          : 'host';
    const token = await requestToken(this.room, { role });
    keepToken(this.room, token);
    return token;
  }
}
