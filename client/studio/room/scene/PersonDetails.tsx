import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Scene } from '../../../../src/contracts/scene.ts';
import type { PeerInfo } from '../../../../src/contracts/signaling.ts';
import { NAME_LENGTH, SCENE_TEXT } from '../../../shared/contract.ts';
import { deskText } from '../../../shared/deskTexts.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import { personIn, withPerson, withPersonName } from './edits.ts';
import { FileLine } from './FileLine.tsx';
import { TextField } from './SceneFields.tsx';

interface Props {
  scene: Scene;
  peer: PeerInfo;
  edit: (edit: SceneEdit) => void;
  /** Sends an image, and does what is to be done with its id. */
  upload: (file: File, then: (id: string) => void) => Promise<void>;
}

/** How somebody is called in the program, what stands under the name, and what is shown while the camera is off. */
export function PersonDetails({ scene, peer, edit, upload }: Props) {
  const { name = '', title, avatar } = personIn(scene, peer.id);
  const typed = { name: useSignal(name), title: useSignal(title) };
  // What another host wrote is what there is to change now.
  useEffect(() => {
    typed.name.value = name;
    typed.title.value = title;
  }, [name, title]);
  const changed = typed.name.value.trim() !== name || typed.title.value.trim() !== title;
  const set = () => {
    const [nextName, nextTitle] = [typed.name.value.trim(), typed.title.value.trim()];
    edit((was) => withPersonName(was, peer.id, nextName, nextTitle));
  };
  return (
    <details class="scene-details">
      <summary class="small" data-testid="person-details">
        {deskText('desk.person')}
        <span class="visually-hidden">{`: ${peer.name}`}</span>
      </summary>
      <form
        class="scene-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (changed) set();
        }}
      >
        <TextField
          id={`name-${peer.id}`}
          testId="person-name"
          label={deskText('desk.person.name')}
          hint={peer.name}
          length={NAME_LENGTH}
          value={typed.name}
        />
        <TextField
          id={`title-${peer.id}`}
          testId="person-title"
          label={deskText('desk.person.title')}
          length={SCENE_TEXT.title}
          value={typed.title}
        />
        <div class="row">
          <button
            type="submit"
            class="button slim"
            data-testid="person-set"
            aria-disabled={!changed}
            aria-label={`${deskText('desk.person.set')}: ${peer.name}`}
          >
            {deskText('desk.person.set')}
          </button>
        </div>
        <FileLine
          testId="person-avatar"
          name={deskText('desk.person.avatar')}
          of={peer.name}
          kind="image"
          present={avatar !== null}
          upload={(file) => upload(file, (id) => edit((was) => withPerson(was, peer.id, { avatar: id })))}
          takeOff={() => edit((was) => withPerson(was, peer.id, { avatar: null }))}
        />
      </form>
    </details>
  );
}
