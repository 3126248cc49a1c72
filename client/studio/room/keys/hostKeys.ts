/** What a host's keys do to the scene; each says what it did. */
import { deskText } from '../../../shared/deskTexts.ts';
import { t } from '../../../shared/language.ts';
import { announce } from '../../Announcer.tsx';
import type { StudioSession } from '../../session/StudioSession.ts';
import { peopleOf } from '../drag/useStageOrder.ts';
import { withPinToggled } from '../scene/edits.ts';
import { lowerThirdsIn } from '../scene/lowerThirds.ts';
import { choicesFor } from '../scene/previews.ts';

/** The layout of this place in the picker, from 1. */
export function chooseLayout(session: StudioSession, number: number): void {
  const scene = session.scene.scene.value;
  const layout = scene && choicesFor(scene.layout)[number - 1];
  if (!layout) return;
  session.scene.edit((was) => ({ ...was, layout }));
  announce(deskText('keys.said.layout', { name: t(`scene.layout.${layout.type}`) }));
}

/** Pins who stands at this place, from 1; who is pinned already is let go of. */
export function pinPerson(session: StudioSession, number: number): void {
  const peer = peopleOf(session)[number - 1];
  const scene = session.scene.scene.value;
  if (!peer || !scene) return;
  const on = scene.pin !== peer.id;
  session.scene.edit((was) => withPinToggled(was, peer.id));
  announce(deskText(on ? 'keys.said.pin' : 'keys.said.unpin', { name: peer.name }));
}

/** Takes the lower third off, or shows the last one again; false when there is none to show. */
export function toggleLowerThird(session: StudioSession, room: string): boolean {
  const scene = session.scene.scene.value;
  if (!scene) return true;
  const kept = lowerThirdsIn(room);
  kept.shown(scene.lowerThird);
  const next = scene.lowerThird ? null : kept.next;
  if (!scene.lowerThird && !next) return false;
  session.scene.edit((was) => ({ ...was, lowerThird: next }));
  announce(next ? deskText('keys.said.lowerThird', { name: next.title }) : deskText('keys.said.lowerThird.off'));
  return true;
}

export function step(session: StudioSession, way: 'undo' | 'redo'): void {
  const done = way === 'undo' ? session.scene.undo() : session.scene.redo();
  announce(deskText(done ? `keys.said.${way}` : 'keys.said.nothing'));
}
