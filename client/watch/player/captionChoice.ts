/** Which captions somebody wants, in this browser from now on: off until they turn them on. */
import { remembered } from '../../shared/storage.ts';
import type { CaptionTrack, Engine } from './Engine.ts';

const KEY = 'captions';
/** In place of a language. */
const OFF = 'off';

/** Where the browser remembers nothing, this page does. */
let wanted = remembered.get(KEY) ?? OFF;

/** The track to show; -1: none. Who wants captions in a language that there is not gets those that there are. */
export function chosenTrack(tracks: readonly CaptionTrack[]): number {
  if (wanted === OFF) return -1;
  const base = (tag: string): string => tag.split('-')[0] ?? '';
  const found =
    tracks.find(({ language }) => language === wanted) ??
    tracks.find(({ language }) => base(language) === base(wanted)) ??
    tracks[0];
  return found?.index ?? -1;
}

/** The person chooses; -1: none. */
export function chooseCaptions(engine: Engine, index: number): void {
  wanted = engine.captions.value.find((track) => track.index === index)?.language ?? OFF;
  remembered.set(KEY, wanted);
  engine.setCaptions(index);
}

/** On and off by a key: on is what was chosen last, or the first. */
export function toggleCaptions(engine: Engine | null): void {
  if (!engine) return;
  const on = engine.chosenCaptions.value >= 0;
  chooseCaptions(engine, on ? -1 : (engine.captions.value[0]?.index ?? -1));
}
