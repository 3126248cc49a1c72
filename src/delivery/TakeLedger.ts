import type { CompositorId, Fence } from '../contracts/ids.ts';

/** From segment `from` on, parts come from `compositor`. */
export interface Take {
  from: number;
  compositor: CompositorId;
  fence: Fence;
}

/** Which compositor owns which segment: segment *k* belongs to the newest take with `from` ≤ *k*. */
export class TakeLedger {
  /** Oldest first; `from` grows, since a take replaces all older ones that begin at its own segment or later. */
  #takes: Take[] = [];

  get all(): readonly Take[] {
    return this.#takes;
  }

  get newest(): Take | undefined {
    return this.#takes.at(-1);
  }

  /** False when a newer owner has spoken already: its fence is higher. */
  add(take: Take): boolean {
    if (this.newest && take.fence < this.newest.fence) return false;
    this.#takes = this.#takes.filter((t) => t.from < take.from);
    this.#takes.push(take);
    return true;
  }

  ownerOf(segment: number): Take | undefined {
    return this.#takes.findLast((t) => t.from <= segment);
  }

  /** It has segments that are not forgotten yet, by that fence or a lower one. */
  owns(compositor: CompositorId, fence: Fence): boolean {
    return this.#takes.some((take) => take.compositor === compositor && take.fence <= fence);
  }

  /** Forgets what no segment from `segment` on belongs to. */
  forgetBefore(segment: number): void {
    const owner = this.ownerOf(segment);
    if (owner) this.#takes = this.#takes.filter((t) => t.from >= owner.from);
  }
}
