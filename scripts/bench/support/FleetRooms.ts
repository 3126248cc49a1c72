/**
 * Live rooms of a fleet for benches of handoff and loss: in each a simulated person who sends all the time, and a follower of the playlist.
 * The options that such benches have in common are here, too.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { BroadcastInput } from '../../../src/contracts/broadcast.ts';
import type { FleetProcesses } from '../../../test/support/FleetProcesses.ts';
import { PlaylistFollower } from '../../../test/support/PlaylistFollower.ts';
import { eventually } from '../../../test/support/ServerProcess.ts';
import type { BenchContext } from '../../bench.ts';
import type { Swarm } from '../../simulator/Swarm.ts';
import { scrape } from './scrape.ts';

const SEGMENT_SECONDS = 2;
/** A room that is lost or slow may take several times a segment's length on a busy machine, ms. */
const SEGMENTS_LIMIT_MS = 120_000;

/** For `parseArgs`: --size WIDTHxHEIGHT, --fps N, --bitrate N bits a second, --log FOLDER keeps the processes' logs. */
export const VIDEO_OPTIONS = {
  size: { type: 'string', default: '320x180' },
  fps: { type: 'string', default: '15' },
  bitrate: { type: 'string', default: '200000' },
  log: { type: 'string' },
} as const;

export function videoOf(values: { size: string; fps: string; bitrate: string }): BroadcastInput['video'] {
  const [width, height] = values.size.split('x').map(Number);
  const video = { width, height, fps: Number(values.fps), bitrate: Number(values.bitrate) };
  return BroadcastInput.parse({ video }).video;
}

export interface LiveRoom {
  name: string;
  /** `ID/index.m3u8`, below the origin. */
  playlist: string;
  person: Swarm;
  follower: PlaylistFollower;
}

export class FleetRooms {
  readonly rooms: LiveRoom[] = [];
  readonly #fleet: FleetProcesses;
  readonly #video: BroadcastInput['video'];
  readonly #context: BenchContext;

  constructor(fleet: FleetProcesses, video: BroadcastInput['video'], context: BenchContext) {
    this.#fleet = fleet;
    this.#video = video;
    this.#context = context;
  }

  /** So many further rooms, one after the other, whose broadcasts have what is given besides the picture. */
  async open(count: number, input: Omit<z.input<typeof BroadcastInput>, 'video'> = {}): Promise<void> {
    const { say, signal } = this.#context;
    for (let i = 0; i < count; i++) {
      signal.throwIfAborted();
      const name = `bench-${this.rooms.length}`;
      const person = await this.#fleet.person(name);
      const { playlist } = await this.#fleet.api.startBroadcast(name, { video: this.#video, ...input });
      const follower = await PlaylistFollower.start(`${this.#fleet.origin}${playlist}`);
      this.rooms.push({ name, playlist, person, follower });
      say(`${name} is live`);
    }
  }

  /** Until every room has so many further segments. */
  async segments(count: number): Promise<void> {
    await Promise.all(
      this.rooms.map(async ({ name, follower }) => {
        const until = follower.newest + count;
        await follower.until(({ newest }) => newest >= until, `segments of ${name}`, SEGMENTS_LIMIT_MS);
      }),
    );
  }

  /** Of all rooms together, until now. */
  get gaps(): number {
    return this.rooms.reduce((sum, { follower }) => sum + follower.gaps.length, 0);
  }

  /** Counts from now on: frames that never came to delivery, gaps in playlists included, and how often each counter of the SFU's grew. */
  async count(): Promise<() => Promise<{ lostFrames: number; grown: (name: string) => number }>> {
    const [sfu, gaps] = [`${this.#fleet.sfu.internalUrl}/metrics`, this.gaps];
    const before = await scrape(sfu);
    return async () => {
      const after = await scrape(sfu);
      const grown = (name: string) => (after[name] ?? 0) - (before[name] ?? 0);
      const gapFrames = (this.gaps - gaps) * this.#video.fps * SEGMENT_SECONDS;
      return { grown, lostFrames: Math.max(grown('lianmai_lost_frames_total'), gapFrames) };
    };
  }

  close(): void {
    for (const { follower } of this.rooms) follower.close();
  }
}

/** Until each of the nodes (the agents) has announced itself in Redis, and so to all SFU nodes. */
export async function untilAnnounced(fleet: FleetProcesses, nodes = fleet.agents): Promise<void> {
  for (const node of nodes) await eventually(() => fleet.announced(node), 'the nodes are announced');
}

export async function keepLogs(fleet: FleetProcesses, folder: string | undefined): Promise<void> {
  if (!folder) return;
  for (const role of ['sfu', 'delivery', 'compositor'] as const)
    for (const [i, server] of fleet.nodes(role).entries())
      await writeFile(join(folder, `${role}-${i}.log`), server.output.join('\n'));
}
