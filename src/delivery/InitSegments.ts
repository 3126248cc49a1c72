import { createHash } from 'node:crypto';
import { AppError } from '../contracts/errors.ts';
import type { RenditionId } from '../contracts/ids.ts';
import type { Rendition } from '../contracts/job.ts';
import { type InitSegment, parseInit } from './mp4/initSegment.ts';

export interface StoredInit {
  bytes: Buffer;
  info: InitSegment;
  /** `init-HASH.mp4`: another init segment would be another file, so the file never changes. */
  name: string;
}

/** The init segments of a broadcast's renditions: the first one of each is the one for good. */
export class InitSegments {
  readonly #renditions: readonly Rendition[];
  readonly #inits = new Map<RenditionId, StoredInit>();

  constructor(renditions: readonly Rendition[]) {
    this.#renditions = renditions;
  }

  /** Every rendition has its own. */
  get complete(): boolean {
    return this.#renditions.every((r) => this.#inits.has(r.id));
  }

  get(rendition: RenditionId): StoredInit | undefined {
    return this.#inits.get(rendition);
  }

  /** Throws `init-mismatch` when a part comes before its init segment. */
  need(rendition: RenditionId): StoredInit {
    const init = this.#inits.get(rendition);
    if (!init) throw new AppError('init-mismatch', 'put the init segment first');
    return init;
  }

  /** Throws `init-mismatch` when it differs from the one that is there, `bad-media` when it is not what the rendition is. */
  put(rendition: RenditionId, bytes: Buffer): StoredInit {
    const order = this.#renditions.find((r) => r.id === rendition);
    if (!order) throw new AppError('not-found', 'the broadcast has no such rendition');
    const there = this.#inits.get(rendition);
    if (there) {
      if (!there.bytes.equals(bytes)) throw new AppError('init-mismatch');
      return there;
    }
    const info = parseInit(bytes);
    if (info.kind !== order.kind) throw new AppError('bad-media', `the rendition is ${order.kind}`);
    const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    const init = { bytes, info, name: `init-${hash}.mp4` };
    this.#inits.set(rendition, init);
    return init;
  }
}
