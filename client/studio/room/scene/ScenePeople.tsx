import type { Scene } from '../../../../src/contracts/scene.ts';
import type { PeerInfo } from '../../../../src/contracts/signaling.ts';
import { VOLUME_DB } from '../../../shared/contract.ts';
import { formatDecibels, hueOf, initials } from '../../../shared/format.ts';
import { Icon } from '../../../shared/icons.tsx';
import { t } from '../../../shared/language.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import { sends } from '../stageTiles.ts';
import { inOrder, personIn, sourceIn, withMoved, withPerson, withPin, withSource } from './edits.ts';
import { Slider, Toggle } from './SceneFields.tsx';

interface Props {
  scene: Scene;
  peers: readonly PeerInfo[];
  edit: (edit: SceneEdit) => void;
}

/** Everybody in the program in the order of their tiles: place, pin, hide, and how loud each of their sources is. */
export function ScenePeople({ scene, peers, edit }: Props) {
  const people = inOrder(scene, peers);
  return (
    <fieldset class="scene-group">
      <legend>{t('scene.people')}</legend>
      <ul class="scene-people">
        {people.map((peer, i) => (
          <li key={peer.id} class="scene-person" data-testid="scene-person" data-peer={peer.id}>
            <div class="person">
              <span class="face-small" style={{ '--hue': hueOf(peer.name) }} aria-hidden="true">
                {initials(peer.name)}
              </span>
              <span class="name grow">{personIn(scene, peer.id).name ?? peer.name}</span>
              <div class="scene-buttons">
                <Move peer={peer} peers={peers} step={-1} disabled={i === 0} edit={edit} />
                <Move peer={peer} peers={peers} step={1} disabled={i === people.length - 1} edit={edit} />
                <Toggle
                  testId="pin"
                  icon="pin"
                  label={t('scene.pin', { name: peer.name })}
                  pressed={scene.pin === peer.id}
                  onChange={(pressed) => edit((was) => withPin(was, pressed ? peer.id : null))}
                />
                <Toggle
                  testId="hide"
                  icon="eye-off"
                  label={t('scene.hide', { name: peer.name })}
                  pressed={personIn(scene, peer.id).hidden}
                  onChange={(hidden) => edit((was) => withPerson(was, peer.id, { hidden }))}
                />
              </div>
            </div>
            {sends(peer, 'screen') ? <ScreenLine scene={scene} peer={peer} edit={edit} /> : null}
            <SoundLine scene={scene} peer={peer} kind="microphone" edit={edit} />
            {sends(peer, 'screen-audio') ? (
              <SoundLine scene={scene} peer={peer} kind="screen-audio" edit={edit} />
            ) : null}
          </li>
        ))}
      </ul>
    </fieldset>
  );
}

interface MoveProps {
  peer: PeerInfo;
  peers: readonly PeerInfo[];
  step: -1 | 1;
  disabled: boolean;
  edit: Props['edit'];
}

/** At the end of the list it does nothing, but keeps the focus of whoever has pressed it on the way there. */
function Move({ peer, peers, step, disabled, edit }: MoveProps) {
  const label = t(step < 0 ? 'scene.up' : 'scene.down', { name: peer.name });
  return (
    <button
      type="button"
      class="button icon-only slim"
      data-testid={step < 0 ? 'move-up' : 'move-down'}
      aria-label={label}
      aria-disabled={disabled}
      title={label}
      onClick={() => edit((was) => withMoved(was, peers, peer.id, step))}
    >
      <Icon name={step < 0 ? 'up' : 'down'} />
    </button>
  );
}

interface LineProps {
  scene: Scene;
  peer: PeerInfo;
  edit: Props['edit'];
}

function ScreenLine({ scene, peer, edit }: LineProps) {
  const id = `${peer.id}.screen`;
  const name = t('studio.sharing', { name: peer.name });
  return (
    <div class="scene-source">
      <Icon name="screen" />
      <span class="name grow small">{name}</span>
      <Toggle
        testId="pin-screen"
        icon="pin"
        label={t('scene.pin', { name })}
        pressed={scene.pin === id}
        onChange={(pressed) => edit((was) => withPin(was, pressed ? id : null))}
      />
      <Toggle
        testId="hide-screen"
        icon="eye-off"
        label={t('scene.hide', { name })}
        pressed={sourceIn(scene, id).hidden}
        onChange={(hidden) => edit((was) => withSource(was, id, { hidden }))}
      />
    </div>
  );
}

function SoundLine({ scene, peer, kind, edit }: LineProps & { kind: 'microphone' | 'screen-audio' }) {
  const id = `${peer.id}.${kind}`;
  const { volumeDb, muted, solo } = sourceIn(scene, id);
  const name = kind === 'microphone' ? peer.name : t('studio.sharing', { name: peer.name });
  return (
    <div class="scene-source">
      <Icon name={kind === 'microphone' ? (sends(peer, kind) ? 'microphone' : 'microphone-off') : 'screen'} />
      <Slider
        bare
        testId="volume"
        label={t('scene.volume', { name })}
        {...VOLUME_DB}
        step={1}
        value={volumeDb}
        text={formatDecibels}
        onChange={(value) => edit((was) => withSource(was, id, { volumeDb: value }))}
      />
      <Toggle
        testId="mute-source"
        icon="speaker-off"
        label={t('scene.mute', { name })}
        pressed={muted}
        onChange={(pressed) => edit((was) => withSource(was, id, { muted: pressed }))}
      />
      <Toggle
        testId="solo"
        icon="headphones"
        label={t('scene.solo', { name })}
        pressed={solo}
        onChange={(pressed) => edit((was) => withSource(was, id, { solo: pressed }))}
      />
    </div>
  );
}
