/**
 * Reads a recorded program whose scene and people change: pictures → in each frame, where every peer is and which frame of its clip is
 * shown. What comes in besides the pictures: the scenes with the frames from which they hold, which the server has answered, and who was
 * in the room from which frame at the earliest; when a change of the room is seen in the program is found out from the pictures.
 * Next: peerRuns.ts. Geometry is src/layout's, the same as the compositor's.
 */
import type { Scene } from '../../../src/contracts/scene.ts';
import type { Cell } from '../../../src/layout/grid.ts';
import { arrange, type Tile } from '../../../src/layout/tiles.ts';
import { type Picture, readTile, type TileReading } from './readTile.ts';

export interface Person {
  id: string;
  name: string;
  /** The clip that its camera plays. */
  clip: number;
  cameraOn: boolean;
}

export interface SceneFrom {
  fromFrame: number;
  scene: Scene;
}

export interface RoomFrom {
  /** Not earlier than this. */
  fromFrame: number;
  /** In the order in which they took their seats. */
  people: readonly Person[];
}

export interface ShownTile {
  clip: number;
  cell: Cell;
  /** A camera is to be seen, not a placeholder. */
  live: boolean;
  /** Frame of the clip; null: no code of this peer is readable. */
  counter: number | null;
  flash: boolean;
  /** It has stood here for as long as a transition takes, and is not about to leave. */
  atRest: boolean;
}

export interface ShownFrame {
  frame: number;
  /** Index of the scene and of the room that hold. */
  scene: number;
  room: number;
  tiles: ShownTile[];
}

export interface ShowReaderOptions {
  width: number;
  height: number;
  fps: number;
  scenes: readonly SceneFrom[];
  rooms: readonly RoomFrom[];
}

interface Candidate {
  room: number;
  active: string | null;
  tiles: readonly Tile[];
}

/** A transition is over this many frames after its time. */
const REST_FRAMES = 2;

export class ShowReader {
  readonly #options: ShowReaderOptions;
  readonly #frames: ShownFrame[] = [];
  readonly #arranged = new Map<string, readonly Tile[]>();
  #room = 0;
  #active: string | null = null;

  constructor(options: ShowReaderOptions) {
    this.#options = options;
  }

  /** The next picture; `at` is its presentation time, seconds. */
  look(picture: Picture, at: number): void {
    const { scenes, rooms, fps } = this.#options;
    const frame = Math.round(at * fps);
    const scene = Math.max(0, lastFrom(scenes, frame));
    const readings = new Map<string, TileReading>();
    const read = (tile: Tile): TileReading => {
      const key = `${keyOf(tile.cell)},${tile.fit}`;
      const reading = readings.get(key) ?? readTile(picture, tile.cell, tile.fit);
      readings.set(key, reading);
      return reading;
    };
    let best: Candidate | null = null;
    let bestScore = Number.NEGATIVE_INFINITY;
    const newest = Math.max(this.#room, lastFrom(rooms, frame));
    for (const candidate of this.#candidates(scene, newest)) {
      const score = scoreOf(candidate.tiles, rooms[candidate.room]?.people ?? [], read);
      if (score > bestScore + 1e-6) {
        bestScore = score;
        best = candidate;
      }
    }
    if (!best) return;
    this.#room = best.room;
    this.#active = best.active;
    const people = rooms[best.room]?.people ?? [];
    const tiles = best.tiles.flatMap((tile): ShownTile[] => {
      const person = people.find(({ id }) => id === tile.peer);
      if (!person) return [];
      const { code, flash } = read(tile);
      const counter = code?.clip === person.clip ? code.counter : null;
      return [{ clip: person.clip, cell: tile.cell, live: tile.source !== null, counter, flash, atRest: true }];
    });
    this.#frames.push({ frame, scene, room: best.room, tiles });
  }

  /** All frames, in order, once all pictures were looked at. */
  frames(): ShownFrame[] {
    this.#frames.sort((a, b) => a.frame - b.frame);
    this.#markMoving();
    return this.#frames;
  }

  /** The one that held last comes first: of equally good ones it is taken. */
  *#candidates(scene: number, newest: number): Generator<Candidate> {
    for (let room = this.#room; room <= newest; room++) {
      const people = this.#options.rooms[room]?.people ?? [];
      const speaks = this.#options.scenes[scene]?.scene.layout.type === 'speaker';
      const actives = speaks ? new Set([this.#active, null, ...people.map(({ id }) => id)]) : new Set([this.#active]);
      for (const active of actives) yield { room, active, tiles: this.#arrange(scene, room, active) };
    }
  }

  #arrange(scene: number, room: number, active: string | null): readonly Tile[] {
    const key = `${scene},${room},${active}`;
    const known = this.#arranged.get(key);
    if (known) return known;
    const { scenes, rooms, width, height } = this.#options;
    const people = rooms[room]?.people ?? [];
    const wanted = scenes[scene]?.scene;
    const sources = people.map(
      ({ id, cameraOn }) => ({ id: `${id}.camera`, peer: id, kind: 'camera', paused: !cameraOn }) as const,
    );
    const tiles = wanted ? arrange({ scene: wanted, peers: people, sources, active }, width, height) : [];
    this.#arranged.set(key, tiles);
    return tiles;
  }

  /** A tile rests when its cell has been the same for a transition's time, and is so in what the room is about to be. */
  #markMoving(): void {
    const { scenes, rooms, fps } = this.#options;
    const since = new Map<number, { cell: string; frame: number }>();
    const first = this.#frames[0]?.frame ?? 0;
    for (const { frame, scene, room, tiles } of this.#frames) {
      const transition = scenes[scene]?.scene.transition;
      const frames = transition?.type === 'smooth' ? Math.ceil((transition.ms * fps) / 1000) + REST_FRAMES : 0;
      const coming = room < lastFrom(rooms, frame) ? this.#arrange(scene, room + 1, this.#active) : null;
      const clips = new Set(tiles.map(({ clip }) => clip));
      for (const clip of since.keys()) if (!clips.has(clip)) since.delete(clip);
      for (const tile of tiles) {
        const cell = keyOf(tile.cell);
        let known = since.get(tile.clip);
        if (known?.cell !== cell) {
          // Where the recording begins nothing moves.
          known = { cell, frame: frame === first ? Number.NEGATIVE_INFINITY : frame };
          since.set(tile.clip, known);
        }
        const leaves = coming !== null && !coming.some((other) => keyOf(other.cell) === cell);
        tile.atRest = frame - known.frame >= frames && !leaves;
      }
    }
  }
}

/** Codes where they are expected speak for an arrangement, codes where others are expected against it. */
function scoreOf(tiles: readonly Tile[], people: readonly Person[], read: (tile: Tile) => TileReading): number {
  let score = 0;
  for (const tile of tiles) {
    const { code } = read(tile);
    const person = people.find(({ id }) => id === tile.peer);
    if (tile.source === null) score += code ? -1 : 0.5;
    else if (code) score += code.clip === person?.clip ? 1 : -1;
  }
  return score;
}

function lastFrom(list: readonly { fromFrame: number }[], frame: number): number {
  return list.findLastIndex(({ fromFrame }) => fromFrame <= frame);
}

const keyOf = (cell: Cell): string => [cell.x, cell.y, cell.width, cell.height].join();
