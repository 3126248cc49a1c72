/**
 * The scenes of rooms, whether the room is open or not: a scene may be set before anybody comes, and is still there when people come
 * back, to this process or the next one. Out: versions that only grow while the scene is kept. Gone with `forget` (the room was closed
 * on purpose) or, past `capacity`, when it was changed longest ago.
 */
import { AppError } from '../contracts/errors.ts';
import type { RoomId } from '../contracts/ids.ts';
import { Scene, type VersionedScene } from '../contracts/scene.ts';
import type { RoomFiles } from './RoomFiles.ts';

/** A scene is at most some ten kilobytes. */
const CAPACITY = 1_000;

export class SceneStore {
  readonly #capacity: number;
  readonly #files: RoomFiles | undefined;
  /** In the order of their last change. */
  readonly #scenes = new Map<RoomId, VersionedScene>();

  /** `files` has those of the process before; left out: scenes end with the process. */
  constructor({ capacity = CAPACITY, files }: { capacity?: number; files?: RoomFiles | undefined } = {}) {
    this.#capacity = capacity;
    this.#files = files;
    for (const [room, { scene }] of files?.entries() ?? []) if (scene) this.#scenes.set(room, scene);
  }

  /** The default scene is version 1. */
  get(room: RoomId): VersionedScene {
    return this.#scenes.get(room) ?? { version: 1, scene: Scene.parse({}) };
  }

  /** The whole scene. Throws AppError `stale-version` when somebody else was first. */
  set(room: RoomId, scene: Scene, ifMatch: number): VersionedScene {
    const { version } = this.get(room);
    if (ifMatch !== version) throw new AppError('stale-version', `The scene is at version ${version}, not ${ifMatch}.`);
    const next = { version: version + 1, scene };
    this.#scenes.delete(room);
    this.#scenes.set(room, next);
    this.#files?.change(room, { scene: next });
    for (const oldest of this.#scenes.keys()) {
      if (this.#scenes.size <= this.#capacity) break;
      this.forget(oldest);
    }
    return next;
  }

  /** As another process had it; null: as every room begins. */
  adopt(room: RoomId, scene: VersionedScene | null): void {
    this.#scenes.delete(room);
    if (scene) this.#scenes.set(room, scene);
    this.#files?.change(room, { scene });
  }

  forget(room: RoomId): void {
    this.#scenes.delete(room);
    this.#files?.change(room, { scene: null });
  }

  /** Rooms and their scenes, those that were changed. */
  entries(): [RoomId, VersionedScene][] {
    return [...this.#scenes];
  }
}
