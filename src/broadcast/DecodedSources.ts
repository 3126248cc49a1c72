import type { CompositorStats } from '../contracts/control.ts';

type Sources = Readonly<Record<string, Pick<CompositorStats['sources'][string], 'decoded'>>>;

/** Of which sources a compositor decodes pictures, by its reports of each second. */
export class DecodedSources {
  #before: Sources = {};
  #newest: Sources = {};

  add(sources: Sources): void {
    this.#before = this.#newest;
    this.#newest = sources;
  }

  /** Those of which there was a new picture between the last two reports: not those that are hidden, off, or hang. */
  get active(): string[] {
    const active = Object.entries(this.#newest).filter(
      ([id, { decoded }]) => decoded > (this.#before[id]?.decoded ?? decoded),
    );
    return active.map(([id]) => id);
  }

  /** There is a picture of it. */
  has(id: string): boolean {
    return (this.#newest[id]?.decoded ?? 0) > 0;
  }
}
