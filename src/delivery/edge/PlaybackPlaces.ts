/**
 * Which delivery node has which broadcast's playlists, by the directory. In: what this node has, and what the others say that they have. Out: the
 * owner's URL for the edge (Edge.ts). A directory that is away changes nothing: what was known last is what counts.
 */
import type { Directory } from '../../directory/Directory.ts';
import type { Lease } from '../../directory/Lease.ts';
import type { View } from '../../directory/View.ts';

export interface PlaybackPlace {
  id: string;
  room: string;
  /** Wall clock of frame 0, ms since 1970: of two broadcasts of a room the later one is what its viewers want. */
  epoch: number;
  /** Of who has it with a lower one nobody hears any more. */
  fence: number;
}

export class PlaybackPlaces {
  readonly #directory: Directory;
  /** Base URL of our internal port, as the other nodes reach it. */
  readonly #url: string;
  readonly #view: View<'playback'>;
  readonly #held = new Map<string, Promise<Lease<'playback'>>>();

  private constructor(directory: Directory, url: string, view: View<'playback'>) {
    this.#directory = directory;
    this.#url = url;
    this.#view = view;
  }

  static async create(directory: Directory, url: string): Promise<PlaybackPlaces> {
    return new PlaybackPlaces(directory, url, await directory.watch('playback'));
  }

  /** This node has it. The others hear of it as soon as the directory can be reached. */
  hold({ id, room, epoch, fence }: PlaybackPlace): void {
    const lease = this.#directory.hold('playback', id, { url: this.#url, room, epoch }, fence);
    // It rejects only when the directory is closed, and then nobody is told of anything.
    lease.catch(() => {});
    this.#held.set(id, lease);
  }

  /** This node has it no more. Idempotent. */
  release(id: string): void {
    const lease = this.#held.get(id);
    this.#held.delete(id);
    void lease?.then(
      (held) => held.release(),
      () => {},
    );
  }

  /** The other node that has the broadcast, or, without one, the newest of the room; null: none that is known. */
  ownerOf(room: string, broadcast?: string): string | null {
    const of = this.#view.entries.filter(
      ({ id, data }) => data.room === room && (broadcast === undefined || broadcast === id),
    );
    const [newest] = of.sort((a, b) => b.data.epoch - a.data.epoch);
    return newest && newest.data.url !== this.#url ? newest.data.url : null;
  }
}
