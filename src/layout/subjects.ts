/**
 * Who and what can be in the picture. In: a composition (a job is one); out: the subjects in their order, before any of them
 * has a place; next: arrange.ts.
 */
import type { JobPeer, JobSource } from '../contracts/job.ts';
import type { Fit, Scene } from '../contracts/scene.ts';

/** What an arrangement follows from: a job is one. */
export interface Composition {
  scene: Scene;
  /** In the order in which they took their seat. */
  peers: readonly JobPeer[];
  sources: readonly CompositionSource[];
  /** Who speaks, or did last. */
  active: string | null;
  /** Everybody who speaks now; for the marks. Absent: nobody. */
  speaking?: readonly string[];
}
export type CompositionSource = Pick<JobSource, 'id' | 'peer' | 'kind' | 'paused' | 'since'>;

/** A screen, or a person: by the camera, or by a placeholder. */
export interface Subject {
  /** The same for the same person or screen in every arrangement: `PEER` (camera or placeholder) or `PEER.screen`. */
  key: string;
  peer: string;
  /** What is written in the tile: the scene's name for the person, else the one that the person joined with. */
  name: string;
  /** A second, smaller line; empty: none. */
  title: string;
  /** An asset, in the placeholder in place of initials. */
  avatar: string | null;
  /** null: a placeholder. */
  source: string | null;
  fit: Fit;
  /** The person cannot be heard in the program. A screen never is muted. */
  muted: boolean;
  /** The person speaks now and is heard. A screen never speaks. */
  speaking: boolean;
}

export const isScreen = (subject: Pick<Subject, 'source'>): boolean => subject.source?.endsWith('.screen') ?? false;

/**
 * The sources that are heard in the program: there, not paused, not muted by the scene; while a source that is there is solo,
 * only those that are. A solo source of somebody who has left silences nobody.
 */
export function heardSources({ scene, sources }: Pick<Composition, 'scene' | 'sources'>): Set<string> {
  const sounds = sources.filter((s) => s.kind === 'microphone' || s.kind === 'screen-audio');
  const solo = sounds.some((s) => scene.sources[s.id]?.solo);
  const heard = sounds.filter((s) => {
    const settings = scene.sources[s.id];
    return !s.paused && !settings?.muted && (!solo || settings?.solo);
  });
  return new Set(heard.map((s) => s.id));
}

/** The people of the picture, in the scene's order; those whom it does not name follow in the order of their seats. */
function orderedPeers({ scene, peers }: Composition): JobPeer[] {
  const rank = new Map(scene.order.map((peer, i) => [peer, i]));
  return peers
    .filter((peer) => !scene.people[peer.id]?.hidden)
    .sort((a, b) => (rank.get(a.id) ?? peers.length + 16) - (rank.get(b.id) ?? peers.length + 16));
}

/** Finds the subjects of a person: also those that `subjectsOf` leaves out. */
function finder(composition: Composition) {
  const { scene, sources } = composition;
  const heard = heardSources(composition);
  const speaking = new Set(composition.speaking);
  const shown = (peer: string, kind: JobSource['kind']) =>
    sources.find((s) => s.peer === peer && s.kind === kind && !s.paused && !scene.sources[s.id]?.hidden)?.id ?? null;
  return {
    person({ id, name }: JobPeer): Subject {
      const settings = scene.people[id];
      const muted = !sources.some((s) => s.peer === id && s.kind === 'microphone' && heard.has(s.id));
      return {
        key: id,
        peer: id,
        name: settings?.name ?? name,
        title: settings?.title ?? '',
        avatar: settings?.avatar ?? null,
        source: shown(id, 'camera'),
        fit: 'cover',
        muted,
        speaking: !muted && speaking.has(id),
      };
    },
    screen({ id, name }: JobPeer): Subject | null {
      const source = shown(id, 'screen');
      if (!source) return null;
      const settings = scene.people[id];
      return {
        key: `${id}.screen`,
        peer: id,
        name: settings?.name ?? name,
        title: '',
        avatar: settings?.avatar ?? null,
        source,
        fit: 'contain',
        muted: false,
        speaking: false,
      };
    },
  };
}

/**
 * Everything that wants a tile, in order: each person's screen, then the camera; somebody with neither is a placeholder, somebody
 * with a screen alone is that screen.
 */
export function subjectsOf(composition: Composition): Subject[] {
  const find = finder(composition);
  return orderedPeers(composition).flatMap((peer) => {
    const screen = find.screen(peer);
    const person = find.person(peer);
    if (!screen) return [person];
    return person.source ? [screen, person] : [screen];
  });
}

/** Every person of the picture, as camera or placeholder, also those who are shown by their screen alone; by id. */
export function personSubjects(composition: Composition): Map<string, Subject> {
  const find = finder(composition);
  return new Map(orderedPeers(composition).map((peer) => [peer.id, find.person(peer)]));
}

/**
 * The subject that a pin or a speaker means: a person (by the camera's tile, or by the screen where that is all there is), a screen, or a
 * camera: its person's tile, so that a pinned person whose camera goes off for a moment keeps the place. undefined: not there.
 */
export function subjectOf(subjects: readonly Subject[], id: string | null): Subject | undefined {
  if (id === null) return undefined;
  const [peer = '', kind] = id.split('.');
  if (kind === 'screen') return subjects.find((s) => s.key === id);
  const person = subjects.find((s) => s.key === peer);
  return kind === undefined
    ? (person ?? subjects.find((s) => s.peer === peer))
    : kind === 'camera'
      ? person
      : undefined;
}

/** The screen that is large: the pinned one (by itself or by its person), else the newest. undefined: nobody shares one. */
export function mainScreen({ scene, sources }: Composition, subjects: readonly Subject[]): Subject | undefined {
  const screens = subjects.filter(isScreen);
  const pinned = screens.find((s) => s.source === scene.pin || s.peer === scene.pin);
  if (pinned) return pinned;
  const since = (s: Subject) => sources.find(({ id }) => id === s.source)?.since ?? 0;
  const place = (s: Subject) => sources.findIndex(({ id }) => id === s.source);
  return [...screens].sort((a, b) => since(b) - since(a) || place(b) - place(a))[0];
}
