/** The lower thirds that a host keeps for a room, in this browser. In: what was kept. Out: a list to choose from. */
import { type Signal, signal } from '@preact/signals';
import type { Scene } from '../../../../src/contracts/scene.ts';
import { SCENE_TEXT } from '../../../shared/contract.ts';
import { remembered } from '../../../shared/storage.ts';

export type LowerThird = NonNullable<Scene['lowerThird']>;

/** More than an evening has guests. */
const MOST = 20;

export const isSame = (a: LowerThird | null, b: LowerThird | null): boolean =>
  a?.title === b?.title && a?.subtitle === b?.subtitle;

/** What a browser's store has, which anybody may have written; what is none is left out. Pure. */
export function lowerThirdsOf(kept: string | undefined): LowerThird[] {
  let list: unknown;
  try {
    list = JSON.parse(kept ?? '[]');
  } catch {
    return [];
  }
  if (!Array.isArray(list)) return [];
  return list
    .flatMap((entry: Partial<Record<string, unknown>> | null) => {
      const { title, subtitle = '' } = entry ?? {};
      if (typeof title !== 'string' || typeof subtitle !== 'string' || title.trim() === '') return [];
      return [{ title: title.slice(0, SCENE_TEXT.title), subtitle: subtitle.slice(0, SCENE_TEXT.subtitle) }];
    })
    .slice(0, MOST);
}

export class LowerThirds {
  readonly list: Signal<readonly LowerThird[]>;
  readonly #key: string;
  /** What a key shows again: the one that was shown last in this visit. */
  #last: LowerThird | null = null;

  constructor(room: string) {
    this.#key = `lower-thirds.${room}`;
    this.list = signal(lowerThirdsOf(remembered.get(this.#key)));
  }

  has = (entry: LowerThird): boolean => this.list.value.some((kept) => isSame(kept, entry));

  /** At the end; the oldest one goes where there are too many. */
  keep(entry: LowerThird): void {
    if (!this.has(entry)) this.#set([...this.list.value, entry].slice(-MOST));
  }

  forget(entry: LowerThird): void {
    this.#set(this.list.value.filter((kept) => !isSame(kept, entry)));
  }

  shown(entry: LowerThird | null): void {
    if (entry) this.#last = entry;
  }

  /** The one that was shown last, else the first that is kept; null: there is none. */
  get next(): LowerThird | null {
    return this.#last ?? this.list.value[0] ?? null;
  }

  #set(list: readonly LowerThird[]): void {
    this.list.value = list;
    remembered.set(this.#key, JSON.stringify(list));
  }
}

const rooms = new Map<string, LowerThirds>();

/** Of a room: the same for the panel and for the keys. */
export function lowerThirdsIn(room: string): LowerThirds {
  const found = rooms.get(room) ?? new LowerThirds(room);
  rooms.set(room, found);
  return found;
}
