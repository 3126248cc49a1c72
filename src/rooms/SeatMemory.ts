/**
 * Who sat in a room when its process died: for a while after that the same person gets the same peer id, which scenes name, and the
 * seat that a host had granted. In: who sits, at each change. Out: who somebody was.
 */
import type { Clock } from '../common/clock.ts';
import type { PeerId, RoomId } from '../contracts/ids.ts';
import type { JoinClaims } from '../contracts/tokens.ts';
import type { RoomFiles, SeatedPerson } from './RoomFiles.ts';

/** People whose server was restarted are back within seconds; after this a seat is asked for anew, ms. */
const REMEMBERED_MS = 5 * 60_000;

export class SeatMemory {
  readonly #files: RoomFiles | undefined;
  readonly #clock: Clock;
  readonly #former = new Map<RoomId, { since: number; people: Map<string, SeatedPerson> }>();

  /** Without files it remembers nothing. */
  constructor(clock: Clock, files?: RoomFiles) {
    this.#files = files;
    this.#clock = clock;
    for (const [room, { seated }] of files?.entries() ?? []) this.remember(room, seated);
  }

  /** From now on: another process knew it until now. */
  remember(room: RoomId, seated: readonly SeatedPerson[]): void {
    const people = new Map(seated.map((person) => [person.identity, person]));
    this.#former.set(room, { since: this.#clock.now(), people });
  }

  /**
   * The peer with a seat that this person was; once. Of audience the page itself has to say so, since the same person may only be
   * watching in another one.
   */
  claim(
    room: RoomId,
    { sub, role }: Pick<JoinClaims, 'sub' | 'role'>,
    resume: PeerId | undefined,
  ): SeatedPerson | undefined {
    const people = this.#people(room);
    const person = people?.get(sub);
    if (person === undefined || (role === 'audience' && resume !== person.peer)) return undefined;
    people?.delete(sub);
    return person;
  }

  /** Those who sit now; who has not come back yet is kept, too. */
  seated(room: RoomId, people: readonly { identity: string; id: PeerId; offProgram?: boolean }[]): void {
    const present = people.map(({ identity, id, offProgram }) => ({
      ...{ identity, peer: id },
      ...(offProgram ? { offProgram } : {}),
    }));
    const awaited = this.#former.get(room)?.people.values() ?? [];
    this.#files?.change(room, { seated: [...present, ...awaited] });
  }

  #people(room: RoomId): Map<string, SeatedPerson> | undefined {
    const { since, people } = this.#former.get(room) ?? { since: 0, people: undefined };
    if (this.#clock.now() - since <= REMEMBERED_MS) return people;
    this.#former.delete(room);
    return undefined;
  }

  forget(room: RoomId): void {
    this.#former.delete(room);
    this.#files?.change(room, { seated: [] });
  }
}
