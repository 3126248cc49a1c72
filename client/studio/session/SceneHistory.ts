/**
 * What a host has done to the scene, so that it can be undone. In: the scene before and after each edit. Out: edits that take it back, or
 * do it again. Only the parts that an edit has changed go back: what another host did meanwhile to other parts stays.
 */
import { signal } from '@preact/signals';
import type { Scene } from '../../../src/contracts/scene.ts';
import type { SceneEdit } from './SceneEditor.ts';

/** So many steps can be undone. */
const DEPTH = 50;
/** Edits of the same slider that follow each other within this are one step, ms. */
const ONE_STEP_MS = 1_000;
/** What has sliders, or colours that are dragged; all else is pressed once for each change. */
const DRAGGED: readonly string[] = [
  'layout',
  'sources',
  'tiles',
  'logo',
  'background',
  'transition',
  'loudness',
  'music',
];
/** Of these each entry is a part of its own. */
const BY_ENTRY = ['sources', 'people'] as const;

interface Step {
  before: Scene;
  after: Scene;
  /** The parts that it changed. */
  parts: string;
  at: number;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Another layout is chosen, not dragged. */
const isSameKind = (a: Scene, b: Scene): boolean => a.layout.type === b.layout.type;

/** The parts that differ, as `layout` or `people/ID`. Pure. */
export function differing(from: Scene, to: Scene): string[] {
  return (Object.keys(to) as (keyof Scene)[]).flatMap((key) => {
    if (key !== 'sources' && key !== 'people') return same(from[key], to[key]) ? [] : [key];
    const ids = new Set([...Object.keys(from[key]), ...Object.keys(to[key])]);
    return [...ids].filter((id) => !same(from[key][id], to[key][id])).map((id) => `${key}/${id}`);
  });
}

/** Makes the parts that differ between two scenes what they are in the second, and leaves all else as it is. Pure. */
export function changeBetween(from: Scene, to: Scene): SceneEdit {
  const parts = differing(from, to);
  return (scene) => {
    const plain = parts.filter((part) => !part.includes('/')) as (keyof Scene)[];
    const next = { ...scene, ...Object.fromEntries(plain.map((key) => [key, to[key]])) };
    for (const key of BY_ENTRY) {
      const entries: Record<string, unknown> = { ...scene[key] };
      for (const part of parts) {
        const [group, id = ''] = part.split('/');
        if (group !== key) continue;
        const entry = to[key][id];
        if (entry === undefined) delete entries[id];
        else entries[id] = entry;
      }
      Object.assign(next, { [key]: entries });
    }
    return next;
  };
}

export class SceneHistory {
  readonly canUndo = signal(false);
  readonly canRedo = signal(false);
  readonly #now: () => number;
  #done: Step[] = [];
  #undone: Step[] = [];

  /** `now`: a clock in ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** An edit was made. One that changes nothing is no step. */
  record(before: Scene, after: Scene): void {
    const changed = differing(before, after);
    if (changed.length === 0) return;
    const dragged = changed.every((part) => DRAGGED.includes(part.split('/')[0] ?? '')) && isSameKind(before, after);
    const parts = changed.join();
    const last = this.#done.at(-1);
    const at = this.#now();
    if (dragged && last && this.#undone.length === 0 && last.parts === parts && at - last.at < ONE_STEP_MS) {
      Object.assign(last, { after, at });
      // Back where it began.
      if (same(last.before, after)) this.#done = this.#done.slice(0, -1);
    } else this.#done = [...this.#done, { before, after, parts, at }].slice(-DEPTH);
    this.#undone = [];
    this.#tell();
  }

  /** The edit that takes back the last step; undefined: there is none. */
  undo(): SceneEdit | undefined {
    const step = this.#done.pop();
    if (step) this.#undone.push(step);
    this.#tell();
    return step && changeBetween(step.after, step.before);
  }

  /** The edit that does again what was undone last. */
  redo(): SceneEdit | undefined {
    const step = this.#undone.pop();
    if (step) this.#done.push(step);
    this.#tell();
    return step && changeBetween(step.before, step.after);
  }

  clear(): void {
    this.#done = [];
    this.#undone = [];
    this.#tell();
  }

  #tell(): void {
    this.canUndo.value = this.#done.length > 0;
    this.canRedo.value = this.#undone.length > 0;
  }
}
