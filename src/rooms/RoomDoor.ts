/**
 * Whom a room lets in, beyond what a token says: those whom a host has removed stay out until their token expires, and an invitation is
 * good only while its record is kept. In: what hosts decide. Out: the answer for somebody who comes, and the same to the disk and the
 * next home (RoomFiles.ts). Of all rooms, open or not.
 */
import { AppError } from '../contracts/errors.ts';
import type { RoomId } from '../contracts/ids.ts';
import { type Invitation, type KeptDoor, MAX_INVITATIONS, MAX_REMOVED } from '../contracts/invitations.ts';
import type { JoinClaims } from '../contracts/tokens.ts';
import type { RoomFiles } from './RoomFiles.ts';

const OPEN: KeptDoor = { removed: [], invitations: [] };

export class RoomDoor {
  readonly #files: RoomFiles | undefined;
  readonly #rooms = new Map<RoomId, KeptDoor>();
  readonly #now: () => number;

  /** `files` has those of the process before; left out: all is forgotten with the process. `now`: wall clock, ms since 1970. */
  constructor(files?: RoomFiles, now: () => number = Date.now) {
    this.#files = files;
    this.#now = now;
    for (const [room, { door }] of files?.entries() ?? []) if (door) this.#rooms.set(room, door);
  }

  /** Throws AppError `removed`, or `unauthorized` for an invitation that is revoked, unless they are `present`: those only come back. */
  check({ room, sub, invitation }: JoinClaims, present = false): void {
    const { removed, invitations } = this.#of(room);
    if (removed.some(({ identity }) => identity === sub)) throw new AppError('removed');
    if (invitation !== undefined && !present && !invitations.some(({ id }) => id === invitation))
      throw new AppError('unauthorized', 'This invitation is not valid any more. Ask for a new link.');
  }

  /** Until `until`, ms since 1970. */
  keepOut(room: RoomId, identity: string, until: number): void {
    const { removed, invitations } = this.#of(room);
    const others = removed.filter((person) => person.identity !== identity);
    const next = [...others, { identity, until }].sort((a, b) => b.until - a.until).slice(0, MAX_REMOVED);
    this.#set(room, { removed: next, invitations });
  }

  /** The newest first. */
  invitations(room: RoomId): Invitation[] {
    return this.#of(room).invitations.toReversed();
  }

  /** Throws AppError `too-many`. */
  invite(room: RoomId, invitation: Invitation): void {
    const { removed, invitations } = this.#of(room);
    if (invitations.length >= MAX_INVITATIONS)
      throw new AppError('too-many', `A room has at most ${MAX_INVITATIONS} invitations. Revoke one first.`);
    this.#set(room, { removed, invitations: [...invitations, invitation] });
  }

  /** Throws AppError `not-found`. Whoever came by it stays until they leave. */
  revoke(room: RoomId, id: string): void {
    const { removed, invitations } = this.#of(room);
    const others = invitations.filter((invitation) => invitation.id !== id);
    if (others.length === invitations.length) throw new AppError('not-found', 'There is no such invitation.');
    this.#set(room, { removed, invitations: others });
  }

  /** As another process had it. */
  adopt(room: RoomId, door: KeptDoor | undefined): void {
    this.#set(room, door ?? OPEN);
  }

  /** The room was closed on purpose: its invitations end; who was removed stays out. */
  forget(room: RoomId): void {
    this.#set(room, { removed: this.#of(room).removed, invitations: [] });
  }

  /** What has not expired. */
  #of(room: RoomId): KeptDoor {
    const { removed, invitations } = this.#rooms.get(room) ?? OPEN;
    const now = this.#now();
    return {
      removed: removed.filter(({ until }) => until > now),
      invitations: invitations.filter(({ expiresAt }) => expiresAt > now),
    };
  }

  #set(room: RoomId, door: KeptDoor): void {
    const nothing = door.removed.length === 0 && door.invitations.length === 0;
    if (nothing) this.#rooms.delete(room);
    else this.#rooms.set(room, door);
    this.#files?.change(room, { door: nothing ? undefined : door });
  }
}
