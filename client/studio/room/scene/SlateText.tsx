import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { SCENE_TEXT } from '../../../shared/contract.ts';
import { deskText } from '../../../shared/deskTexts.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import { TextField } from './SceneFields.tsx';
import { ShownForm } from './ShownForm.tsx';

/** What is read while nobody is in the program. */
export function SlateText({ shown, edit }: { shown: string; edit: (edit: SceneEdit) => void }) {
  const text = useSignal(shown);
  useEffect(() => {
    text.value = shown;
  }, [shown]);
  const put = (slateText: string) => edit((was) => ({ ...was, slateText }));
  return (
    <ShownForm
      testId="slate-text"
      name={deskText('desk.slate')}
      shown={shown !== ''}
      canShow={text.value.trim() !== '' && text.value !== shown}
      onShow={() => put(text.value)}
      onHide={() => put('')}
    >
      <TextField id="scene-slate-text" label={deskText('desk.slate')} length={SCENE_TEXT.slate} value={text} />
    </ShownForm>
  );
}
