/**
 * Who pushes to which stream key: the first who comes has it until it gives it back. In: destinations of this node's broadcasts. Out: who has a
 * key already, on this node (by destination) or on another of the fleet (the directory's kind `stream-key`).
 */
import { TypedEmitter } from '../common/TypedEmitter.ts';
import type { Directory } from '../directory/Directory.ts';
import type { Lease } from '../directory/Lease.ts';
import { type Destination, keyInUse } from './destinations.ts';

/** A broadcast of another node. */
export const ELSEWHERE = '';

interface KeyEvents {
  /** Another broadcast of the fleet has the destination's key, with a higher fence. */
  lost: [owner: string];
}

interface Held {
  owner: string;
  lease?: Lease<'stream-key'>;
}

export class KeyClaims extends TypedEmitter<KeyEvents> {
  readonly #directory: Pick<Directory, 'claim' | 'hold'> | undefined;
  /** By the stream's identity (see destinations.ts). */
  readonly #held = new Map<string, Held>();

  /** Without a directory this node is alone. */
  constructor(directory?: Pick<Directory, 'claim' | 'hold'>) {
    super();
    this.#directory = directory;
  }

  /** On this node. The stream is now of `owner`, unless it was before; the answer is who has it already, when somebody else has. */
  claim(identity: string, owner: string): string | undefined {
    const other = this.#held.get(identity)?.owner;
    if (other === undefined) this.#held.set(identity, { owner });
    return other === owner ? undefined : other;
  }

  /** In the whole fleet; ELSEWHERE when it is another node's. Throws AppError `directory-unavailable`. */
  async reserve(identity: string, owner: string, broadcast: string): Promise<string | undefined> {
    const other = this.claim(identity, owner);
    if (other !== undefined || !this.#directory) return other;
    try {
      const { lease } = await this.#directory.claim('stream-key', identity, { broadcast });
      if (lease) return await this.#keep(identity, owner, lease);
    } catch (error) {
      this.release(identity, owner);
      throw error;
    }
    this.release(identity, owner);
    return ELSEWHERE;
  }

  /** All, or none: throws AppError `conflict` when one is pushed to already, `directory-unavailable`. */
  async reserveAll(destinations: readonly Destination[], broadcast: string): Promise<void> {
    try {
      for (const { identity, status } of destinations) {
        const owner = await this.reserve(identity, status.id, broadcast);
        if (owner !== undefined) throw keyInUse(destinations.find((mine) => mine.status.id === owner));
      }
    } catch (error) {
      this.releaseAll(destinations);
      throw error;
    }
  }

  releaseAll(destinations: readonly Destination[]): void {
    for (const { identity, status } of destinations) this.release(identity, status.id);
  }

  /** In the whole fleet, for a broadcast that had it before, under another node: `fence` is the broadcast's. Who claimed it since loses it. */
  async adopt(identity: string, owner: string, broadcast: string, fence: number): Promise<void> {
    if (this.claim(identity, owner) !== undefined || !this.#directory) return;
    await this.#keep(identity, owner, await this.#directory.hold('stream-key', identity, { broadcast }, fence));
  }

  /** What is not the owner's stays. */
  release(identity: string, owner: string): void {
    const held = this.#held.get(identity);
    if (held?.owner !== owner) return;
    this.#held.delete(identity);
    // It never rejects: a directory that is away lets it expire.
    void held.lease?.release();
  }

  async #keep(identity: string, owner: string, lease: Lease<'stream-key'>): Promise<undefined> {
    const held = this.#held.get(identity);
    // Race: given back while the directory was asked.
    if (held?.owner !== owner) {
      await lease.release();
      return;
    }
    held.lease = lease;
    const lost = () => {
      if (this.#held.get(identity) !== held) return;
      this.#held.delete(identity);
      this.emit('lost', owner);
    };
    if (lease.state === 'lost') lost();
    else lease.once('lost', lost);
  }
}
