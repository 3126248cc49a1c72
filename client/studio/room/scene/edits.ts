/** Pure: what a host's hand does to a scene. Each is done again on a newer scene when another host was first. */
import type { PersonSettings, Scene, SourceSettings } from '../../../../src/contracts/scene.ts';

const PLAIN_SOURCE: SourceSettings = { volumeDb: 0, muted: false, solo: false, hidden: false };
const PLAIN_PERSON: PersonSettings = { hidden: false, title: '', avatar: null };

export const sourceIn = (scene: Scene, id: string): SourceSettings => scene.sources[id] ?? PLAIN_SOURCE;
export const personIn = (scene: Scene, id: string): PersonSettings => scene.people[id] ?? PLAIN_PERSON;

/** An entry that says nothing but the defaults is left out. */
function withEntry<T extends object>(entries: Record<string, T>, id: string, entry: T, plain: T): Record<string, T> {
  const { [id]: _, ...others } = entries;
  const isPlain = JSON.stringify({ ...plain, ...entry }) === JSON.stringify(plain);
  return isPlain ? others : { ...others, [id]: entry };
}

export function withSource(scene: Scene, id: string, part: Partial<SourceSettings>): Scene {
  const entry = { ...sourceIn(scene, id), ...part };
  return { ...scene, sources: withEntry(scene.sources, id, entry, PLAIN_SOURCE) };
}

export function withPerson(scene: Scene, id: string, part: Partial<PersonSettings>): Scene {
  const entry = { ...personIn(scene, id), ...part };
  return { ...scene, people: withEntry(scene.people, id, entry, PLAIN_PERSON) };
}

/** How somebody is called in the program; with an empty name by the one that they came with. */
export function withPersonName(scene: Scene, id: string, name: string, title: string): Scene {
  const { name: _, ...rest } = personIn(scene, id);
  const entry: PersonSettings = { ...rest, title, ...(name ? { name } : {}) };
  return { ...scene, people: withEntry(scene.people, id, entry, PLAIN_PERSON) };
}

/** As the program has them: those of the scene's order first, the rest as they came. */
export function inOrder<P extends { id: string }>({ order }: Pick<Scene, 'order'>, peers: readonly P[]): P[] {
  const rank = new Map(order.map((id, i) => [id, i]));
  return [...peers].sort((a, b) => (rank.get(a.id) ?? order.length) - (rank.get(b.id) ?? order.length));
}

/** The same items with one of them at another place, from 0; the others keep their order. */
export function moved<T>(items: readonly T[], item: T, place: number): T[] {
  const others = items.filter((other) => other !== item);
  return others.length === items.length ? [...items] : others.toSpliced(place, 0, item);
}

/** The most that a scene's order names: as many as there are seats. */
const LONGEST_ORDER = 16;

/** Somebody at a place, from 0, among those who are there. */
export function withPlace(scene: Scene, peers: readonly { id: string }[], id: string, place: number): Scene {
  const order = inOrder(scene, peers).map((peer) => peer.id);
  const from = order.indexOf(id);
  if (from < 0 || from === place || place < 0 || place >= order.length) return scene;
  return { ...scene, order: moved(order, id, place).slice(0, LONGEST_ORDER) };
}

/** One place towards the front (-1) or the back (+1), among those who are there. */
export function withMoved(scene: Scene, peers: readonly { id: string }[], id: string, step: -1 | 1): Scene {
  const from = inOrder(scene, peers).findIndex((peer) => peer.id === id);
  return from < 0 ? scene : withPlace(scene, peers, id, from + step);
}

export const withPin = (scene: Scene, id: string | null): Scene => ({ ...scene, pin: id });

/** What a pin of this tile says: the person, or the screen. */
export const pinOf = (peerId: string, source: 'camera' | 'screen'): string =>
  source === 'screen' ? `${peerId}.screen` : peerId;

/** On, or off where it is on already. */
export const withPinToggled = (scene: Scene, id: string): Scene => withPin(scene, scene.pin === id ? null : id);
