/**
 * Makes what lets people into a room: invitations, and the token of somebody who is named a host. In: a host's or the API's wish. Out: a
 * signed token; the record of an invitation is RoomDoor.ts's to keep.
 */
import { newId } from '../common/ids.ts';
import { AppError } from '../contracts/errors.ts';
import type { RoomId } from '../contracts/ids.ts';
import type { Invitation, InvitationAnswer, InvitationInput } from '../contracts/invitations.ts';
import type { JoinClaims } from '../contracts/tokens.ts';
import type { RoomDoor } from './RoomDoor.ts';

/** `Tokens.sign` is one. */
export type Sign = (claims: JoinClaims, expiresInSeconds: number) => Promise<string>;

export class Invitations {
  readonly #door: RoomDoor;
  readonly #sign: Sign;

  constructor(door: RoomDoor, sign: Sign) {
    this.#door = door;
    this.#sign = sign;
  }

  /** For one person: its identity is the invitation's. Throws AppError `too-many`. */
  async create(room: RoomId, { role, name, expiresInSeconds }: InvitationInput): Promise<InvitationAnswer> {
    const id = newId('i');
    const createdAt = Date.now();
    const expiresAt = createdAt + expiresInSeconds * 1_000;
    const claims: JoinClaims = { aud: 'join', sub: id, room, role, invitation: id, ...(name ? { name } : {}) };
    const token = await this.#sign(claims, expiresInSeconds);
    const invitation: Invitation = { id, role, name: name ?? null, createdAt, expiresAt };
    this.#door.invite(room, invitation);
    return { ...invitation, token, path: `/studio/${room}#token=${token}` };
  }

  list(room: RoomId): Invitation[] {
    return this.#door.invitations(room);
  }

  /** Throws AppError `not-found`. */
  revoke(room: RoomId, id: string): void {
    this.#door.revoke(room, id);
  }

  /** The same person's token as a host; good as long as the one they came by. */
  hostToken(room: RoomId, { identity, name, tokenUntil }: { identity: string; name: string; tokenUntil: number }) {
    const seconds = Math.floor((tokenUntil - Date.now()) / 1_000);
    if (seconds < 1) throw new AppError('unauthorized', 'The token of this person has expired.');
    return this.#sign({ aud: 'join', sub: identity, room, role: 'host', name }, seconds);
  }
}
