import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Scene } from '../../../../src/contracts/scene.ts';
import { SCENE_TEXT } from '../../../shared/contract.ts';
import { t } from '../../../shared/language.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { SceneCaptions } from './SceneCaptions.tsx';

interface Props {
  scene: Scene;
  edit: (edit: SceneEdit) => void;
}

/** Words over the picture. They are typed first and shown by a button: nobody wants to see half a word on air. */
export function SceneTitles({ scene, edit, session }: Props & { session: StudioSession }) {
  return (
    <fieldset class="scene-group">
      <legend>{t('scene.titles')}</legend>
      <LowerThird shown={scene.lowerThird} edit={edit} />
      <SceneCaptions session={session} />
    </fieldset>
  );
}

function LowerThird({ shown, edit }: { shown: Scene['lowerThird']; edit: Props['edit'] }) {
  const title = useSignal(shown?.title ?? '');
  const subtitle = useSignal(shown?.subtitle ?? '');
  // What another host shows is what there is to change now.
  useEffect(() => {
    if (!shown) return;
    title.value = shown.title;
    subtitle.value = shown.subtitle;
  }, [shown?.title, shown?.subtitle]);
  const show = () => {
    const next = { title: title.value.trim(), subtitle: subtitle.value.trim() };
    if (next.title) edit((was) => ({ ...was, lowerThird: next }));
  };
  const same = shown !== null && shown.title === title.value.trim() && shown.subtitle === subtitle.value.trim();
  return (
    <ShownForm
      testId="lower-third"
      name={t('scene.lowerThird')}
      shown={shown !== null}
      canShow={title.value.trim() !== '' && !same}
      onShow={show}
      onHide={() => edit((was) => ({ ...was, lowerThird: null }))}
    >
      <Text id="scene-title" label={t('scene.lowerThird.title')} length={SCENE_TEXT.title} value={title} />
      <Text id="scene-subtitle" label={t('scene.lowerThird.subtitle')} length={SCENE_TEXT.subtitle} value={subtitle} />
    </ShownForm>
  );
}

interface ShownFormProps {
  testId: string;
  name: string;
  shown: boolean;
  canShow: boolean;
  onShow: () => void;
  onHide: () => void;
  children: preact.ComponentChildren;
}

function ShownForm({ testId, name, shown, canShow, onShow, onHide, children }: ShownFormProps) {
  return (
    <form
      class="scene-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (canShow) onShow();
      }}
    >
      {children}
      <div class="row">
        <button
          type="submit"
          class="button slim"
          data-testid={`${testId}-show`}
          aria-disabled={!canShow}
          aria-label={`${shown ? t('scene.update') : t('scene.show')}: ${name}`}
        >
          {shown ? t('scene.update') : t('scene.show')}
        </button>
        {shown ? (
          <button
            type="button"
            class="button outline slim"
            data-testid={`${testId}-hide`}
            aria-label={`${t('scene.takeOff')}: ${name}`}
            onClick={onHide}
          >
            {t('scene.takeOff')}
          </button>
        ) : null}
      </div>
    </form>
  );
}

interface TextProps {
  id: string;
  label: string;
  length: number;
  value: { value: string };
}

function Text({ id, label, length, value }: TextProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        class="input"
        type="text"
        dir="auto"
        autocomplete="off"
        data-testid={id}
        maxLength={length}
        value={value.value}
        onInput={(event) => {
          value.value = event.currentTarget.value;
        }}
      />
    </div>
  );
}
