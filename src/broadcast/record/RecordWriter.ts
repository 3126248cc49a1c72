/**
 * What is kept of one broadcast for another process: on this machine's disk (RecordFiles.ts) and, once it is owned, in the directory
 * (Ownership.ts). In: the broadcast's changes. A disk that fails and a directory that is away cost what is kept, never the live program.
 */
import type { Clock } from '../../common/clock.ts';
import type { BroadcastInput } from '../../contracts/broadcast.ts';
import type { Destination } from '../destinations.ts';
import type { Program } from '../jobs.ts';
import type { RoomTap } from '../RoomTap.ts';
import { fleetRecordOf, pendingOf, type RecordedState } from './BroadcastRecord.ts';
import type { Ownership } from './Ownership.ts';
import type { RecordFiles, RecordKeeper } from './RecordFiles.ts';

export interface RecordWriterOptions {
  id: string;
  room: RoomTap;
  input: BroadcastInput;
  /** How many processes in a row have died within a minute of having it, before this one. */
  failures: number;
  /** Left out: nothing is kept. */
  records: RecordFiles | undefined;
  clock: Clock;
  /** ms since 1970. */
  wallClock: () => number;
}

export interface KeptNow {
  program: Program;
  /** The newest that a compositor was given. */
  fence: number;
  destinations: readonly Destination[];
}

export class RecordWriter {
  readonly #options: RecordWriterOptions;
  readonly #files: RecordKeeper | undefined;
  #owner: Ownership | undefined;
  #saved: RecordedState | undefined;
  #sceneVersion = 0;
  #waits = false;

  constructor(options: RecordWriterOptions) {
    this.#options = options;
    this.#files = options.records?.keeper(options.id);
  }

  /** From now on the directory has it, too. */
  own(owner: Ownership): void {
    this.#owner = owner;
  }

  /** The scene is another than the one that is written down. */
  get stale(): boolean {
    return this.#options.room.scene.version !== this.#sceneVersion;
  }

  /** The program's clock is written down each second. */
  begin({ startMs }: Program): void {
    const { clock, wallClock } = this.#options;
    this.#files?.beat(() => ({ programMs: clock.now() - startMs, at: wallClock() }));
  }

  /** It waits for its first compositor. Written as `save` does; followed by that. */
  async wait({ queuedAt, destinations }: Pick<KeptNow, 'destinations'> & { queuedAt: number }): Promise<void> {
    const { id, room, input, records, wallClock } = this.#options;
    if (!records) return;
    const pending = pendingOf({ id, room: room.id, input, destinations, queuedAt }, records.box);
    this.#files?.wait({ ...pending, lease: this.#owner?.fence ?? 0 });
    if (!this.#waits) this.#files?.beat(() => ({ programMs: 0, at: wallClock() }));
    this.#waits = true;
    await this.#owner?.wait(pending);
  }

  /** On disk when it returns, in the directory when it resolves, if that can be reached. Never rejects. */
  async save({ program, fence, destinations }: KeptNow): Promise<void> {
    const { id, room, input, failures, records, clock } = this.#options;
    if (!records) return;
    const { scene } = room;
    this.#sceneVersion = scene.version;
    const lease = this.#owner?.fence ?? 0;
    const of = { id, room: room.id, input, failures, handedOn: false };
    const state: RecordedState = { ...of, program, fence, destinations, lease };
    this.#saved = state;
    this.#files?.save(state);
    await this.#owner?.keep(fleetRecordOf(state, scene, records.box), () => clock.now() - program.startMs);
  }

  /** Nothing is left on the disk. */
  remove(): void {
    this.#files?.remove();
  }

  /** Given up in order: nothing more is written on the disk. What is there is good for as long as nobody else had the broadcast. */
  close(): void {
    if (this.#saved) this.#files?.save({ ...this.#saved, handedOn: true });
    this.#files?.close();
  }
}
