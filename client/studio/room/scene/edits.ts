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

/** As the program has them: those of the scene's order first, the rest as they came. */
export function inOrder<P extends { id: string }>({ order }: Pick<Scene, 'order'>, peers: readonly P[]): P[] {
  const rank = new Map(order.map((id, i) => [id, i]));
  return [...peers].sort((a, b) => (rank.get(a.id) ?? order.length) - (rank.get(b.id) ?? order.length));
}

/** One place towards the front (-1) or the back (+1), among those who are there. */
export function withMoved(scene: Scene, peers: readonly { id: string }[], id: string, step: -1 | 1): Scene {
  const order = inOrder(scene, peers).map((peer) => peer.id);
  const from = order.indexOf(id);
  const to = from + step;
  const other = order[to];
  if (from < 0 || other === undefined) return scene;
  order[from] = other;
  order[to] = id;
  return { ...scene, order: order.slice(0, 16) };
}

export const withPin = (scene: Scene, id: string | null): Scene => ({ ...scene, pin: id });
