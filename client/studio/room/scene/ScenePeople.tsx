import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { SourceKind } from '../../../../src/contracts/ids.ts';
import type { Scene } from '../../../../src/contracts/scene.ts';
import type { PeerInfo } from '../../../../src/contracts/signaling.ts';
import { heardSources } from '../../../../src/layout/subjects.ts';
import { Icon } from '../../../shared/icons.tsx';
import { t } from '../../../shared/language.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import { DragOrder } from '../drag/DragOrder.ts';
import { sends } from '../stageTiles.ts';
import { inOrder, personIn, sourceIn, withPerson, withPin, withSource } from './edits.ts';
import { PersonDetails } from './PersonDetails.tsx';
import { sourcesOf } from './previews.ts';
import { Toggle } from './SceneFields.tsx';
import { SoundLine } from './SoundLine.tsx';

interface Props {
  scene: Scene;
  peers: readonly PeerInfo[];
  /** What this page has of a source. */
  track: (peerId: string, kind: SourceKind) => MediaStreamTrack | null;
  edit: (edit: SceneEdit) => void;
  /** Puts somebody at a place, from 0, and says so. */
  place: (peerId: string, place: number) => void;
  upload: (file: File, then: (id: string) => void) => Promise<void>;
}

/** Everybody in the program in the order of their tiles: place, pin, hide, name, and how loud each of their sources is. */
export function ScenePeople({ scene, peers, track, edit, place, upload }: Props) {
  const people = inOrder(scene, peers);
  const list = useRef<HTMLUListElement>(null);
  const drag = useListDrag(list, place);
  const on = drag.drag.value;
  // Who is in the green room is not part of the program at all.
  const heard = heardSources({ scene, sources: sourcesOf(peers.filter((peer) => !peer.offProgram)) });
  return (
    <fieldset class="scene-group">
      <legend>{t('scene.people')}</legend>
      <ul ref={list} class="scene-people">
        {people.map((peer, i) => (
          <li
            key={peer.id}
            class="scene-person"
            data-testid="scene-person"
            data-peer={peer.id}
            data-drop={on && on.to === i && on.from !== i ? (on.to < on.from ? 'before' : 'after') : undefined}
          >
            <PersonLine
              scene={scene}
              peer={peer}
              edit={edit}
              place={i}
              count={people.length}
              onPlace={place}
              drag={drag}
            />
            {sends(peer, 'screen') ? <ScreenLine scene={scene} peer={peer} edit={edit} /> : null}
            {(['microphone', 'screen-audio'] as const)
              .filter((kind) => kind === 'microphone' || sends(peer, kind))
              .map((kind) => (
                <SoundLine
                  key={kind}
                  scene={scene}
                  peer={peer}
                  kind={kind}
                  track={track(peer.id, kind)}
                  heard={heard.has(`${peer.id}.${kind}`)}
                  edit={edit}
                />
              ))}
            <PersonDetails scene={scene} peer={peer} edit={edit} upload={upload} />
          </li>
        ))}
      </ul>
    </fieldset>
  );
}

/** Dragging by the grips of a list. */
function useListDrag(list: { current: HTMLUListElement | null }, place: Props['place']): DragOrder {
  const onDrop = useRef(place);
  onDrop.current = place;
  const drag = useMemo(
    () =>
      new DragOrder({
        places: () => rowsOf(list.current),
        onDrop: (id, to) => onDrop.current(id, to),
      }),
    [],
  );
  useEffect(() => drag.close, [drag]);
  return drag;
}

/** Where the rows are in the window; one that is dragged counts as where it came from. */
function rowsOf(list: HTMLUListElement | null) {
  const { left: x = 0, top = 0 } = list?.getBoundingClientRect() ?? {};
  return [...(list?.children ?? [])].flatMap((row) =>
    row instanceof HTMLElement
      ? [{ x, y: top + row.offsetTop - (list?.offsetTop ?? 0), width: row.offsetWidth, height: row.offsetHeight }]
      : [],
  );
}

interface LineProps {
  scene: Scene;
  peer: PeerInfo;
  edit: Props['edit'];
}

interface PersonLineProps extends LineProps {
  place: number;
  count: number;
  onPlace: Props['place'];
  drag: DragOrder;
}

function PersonLine({ scene, peer, edit, place, count, onPlace, drag }: PersonLineProps) {
  const { name = peer.name, title, hidden } = personIn(scene, peer.id);
  const press = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const row = event.currentTarget.closest('li');
    if (row) drag.press(event, row, peer.id, place);
  };
  return (
    <div class="person">
      {/* For a hand; keys have the two buttons. */}
      <span class="grip" data-testid="grip" aria-hidden="true" onPointerDown={press}>
        <Icon name="grip" />
      </span>
      <span class="grow">
        <span class="name">{name}</span>
        {title ? <span class="name small muted title">{title}</span> : null}
      </span>
      <div class="scene-buttons">
        <Move name={peer.name} step={-1} disabled={place === 0} onMove={() => onPlace(peer.id, place - 1)} />
        <Move name={peer.name} step={1} disabled={place === count - 1} onMove={() => onPlace(peer.id, place + 1)} />
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
          pressed={hidden}
          onChange={(pressed) => edit((was) => withPerson(was, peer.id, { hidden: pressed }))}
        />
      </div>
    </div>
  );
}

interface MoveProps {
  name: string;
  step: -1 | 1;
  disabled: boolean;
  onMove: () => void;
}

/** At the end of the list it does nothing, but keeps the focus of whoever has pressed it on the way there. */
function Move({ name, step, disabled, onMove }: MoveProps) {
  const label = t(step < 0 ? 'scene.up' : 'scene.down', { name });
  return (
    <button
      type="button"
      class="button icon-only slim"
      data-testid={step < 0 ? 'move-up' : 'move-down'}
      aria-label={label}
      aria-disabled={disabled}
      title={label}
      onClick={() => {
        if (!disabled) onMove();
      }}
    >
      <Icon name={step < 0 ? 'up' : 'down'} />
    </button>
  );
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
