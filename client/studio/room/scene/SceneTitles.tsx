import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Scene } from '../../../../src/contracts/scene.ts';
import { SCENE_TEXT } from '../../../shared/contract.ts';
import { t } from '../../../shared/language.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import { LowerThirdForm } from './LowerThirdForm.tsx';
import { TextField } from './SceneFields.tsx';
import { ShownForm } from './ShownForm.tsx';

interface Props {
  room: string;
  scene: Scene;
  edit: (edit: SceneEdit) => void;
}

/** Words over the picture. */
export function SceneTitles({ room, scene, edit }: Props) {
  return (
    <fieldset class="scene-group">
      <legend>{t('scene.titles')}</legend>
      <LowerThirdForm room={room} shown={scene.lowerThird} edit={edit} />
      <Captions shown={scene.captions} edit={edit} />
    </fieldset>
  );
}

function Captions({ shown, edit }: { shown: string; edit: Props['edit'] }) {
  const text = useSignal(shown);
  useEffect(() => {
    if (shown) text.value = shown;
  }, [shown]);
  return (
    <ShownForm
      testId="captions"
      name={t('scene.captions')}
      shown={shown !== ''}
      canShow={text.value.trim() !== '' && text.value !== shown}
      onShow={() => {
        const captions = text.value;
        edit((was) => ({ ...was, captions }));
      }}
      onHide={() => edit((was) => ({ ...was, captions: '' }))}
    >
      <TextField id="scene-captions" label={t('scene.captions')} length={SCENE_TEXT.captions} value={text} />
    </ShownForm>
  );
}
