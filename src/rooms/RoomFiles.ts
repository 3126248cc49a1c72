/**
 * What of a room survives its process: the scene, who sat, and who is kept out or invited. `DATA_DIR/rooms/ROOM.0 .1` (durable/StateFile.ts), written whole at each
 * change. In: changes from SceneStore.ts, SeatMemory.ts and RoomDoor.ts. Out: what there was, read once at the start. A room of which nothing is to
 * be kept has no file.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { PeerId, RoomId } from '../contracts/ids.ts';
import { KeptDoor } from '../contracts/invitations.ts';
import { Scene } from '../contracts/scene.ts';
import { StateFile } from '../durable/StateFile.ts';

export const SeatedPerson = z.object({
  identity: z.string(),
  peer: PeerId,
  /** In the green room. */
  offProgram: z.boolean().optional(),
});
export type SeatedPerson = z.infer<typeof SeatedPerson>;

const KeptRoom = z.object({
  scene: z.object({ version: z.int().min(1), scene: Scene }).nullable(),
  /** In the order of their seats. */
  seated: z.array(SeatedPerson),
  /** Left out: nobody is kept out, and nobody invited. */
  door: KeptDoor.optional(),
  /** Wall clock at which the captions line is taken off the picture, ms since 1970; left out: not by itself. */
  captionsUntil: z.number().optional(),
});
export type KeptRoom = z.infer<typeof KeptRoom>;

/** Who sat longer ago than this, and has not changed seats since, sits no more, ms. */
const SEATED_MS = 7 * 86_400_000;

const NOTHING: KeptRoom = { scene: null, seated: [] };

export class RoomFiles extends TypedEmitter<{ changed: [room: RoomId, kept: KeptRoom] }> {
  readonly #folder: string;
  readonly #logger: Logger;
  /** As they are on the disk; in the order of their last change. */
  readonly #rooms = new Map<RoomId, KeptRoom>();
  #failing = false;

  private constructor(folder: string, logger: Logger) {
    super();
    this.#folder = folder;
    this.#logger = logger;
  }

  /** Reads what there is. Throws what the file system does. */
  static open(dataDir: string, logger: Logger): RoomFiles {
    const files = new RoomFiles(join(dataDir, 'rooms'), logger);
    mkdirSync(files.#folder, { recursive: true, mode: 0o700 });
    files.#read();
    return files;
  }

  get(room: RoomId): KeptRoom {
    return this.#rooms.get(room) ?? NOTHING;
  }

  entries(): [RoomId, KeptRoom][] {
    return [...this.#rooms];
  }

  /** Written when it returns. A disk that fails costs what is kept, and is told. */
  change(room: RoomId, change: Partial<KeptRoom>): void {
    const before = this.get(room);
    const next = { ...before, ...change };
    if (JSON.stringify(next) === JSON.stringify(before)) return;
    this.#rooms.delete(room);
    try {
      if (JSON.stringify(next) === JSON.stringify(NOTHING)) this.#remove(room);
      else {
        this.#rooms.set(room, next);
        const file = StateFile.open(join(this.#folder, room));
        file.save(JSON.stringify(next));
        file.close();
      }
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#logger.error({ err: error, room }, 'scenes and seats of rooms can not be kept on disk');
      this.#failing = true;
    }
    this.emit('changed', room, next);
  }

  #remove(room: RoomId): void {
    for (const n of [0, 1]) rmSync(join(this.#folder, `${room}.${n}`), { force: true });
  }

  #read(): void {
    const written = new Map<RoomId, number>();
    for (const name of readdirSync(this.#folder)) {
      const room = RoomId.safeParse(name.replace(/\.[01]$/, '')).data;
      if (room === undefined) continue;
      written.set(room, Math.max(written.get(room) ?? 0, statSync(join(this.#folder, name)).mtimeMs));
    }
    for (const [room, writtenAt] of [...written].sort((a, b) => a[1] - b[1])) {
      try {
        this.#readRoom(room, Date.now() - writtenAt);
      } catch (error) {
        this.#logger.error({ err: error, room }, 'the disk does not give back what is kept of the room');
      }
    }
  }

  #readRoom(room: RoomId, ageMs: number): void {
    const kept = parsed(StateFile.read(join(this.#folder, room)));
    if (kept) this.#rooms.set(room, kept);
    else {
      this.#logger.warn({ room }, 'nothing of use is kept of the room');
      this.#remove(room);
    }
    if (ageMs > SEATED_MS) this.change(room, { seated: [] });
  }
}

function parsed(text: string | undefined): KeptRoom | undefined {
  try {
    return KeptRoom.safeParse(JSON.parse(text ?? '')).data;
  } catch {
    return undefined;
  }
}
