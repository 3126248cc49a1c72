import type { Scene } from '../../../../src/contracts/scene.ts';
import { t } from '../../../shared/language.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import { Check, Choice, Slider } from './SceneFields.tsx';

/** The longest transition of the contract, ms. */
const LONGEST_MS = 5_000;
const TRANSITIONS = ['smooth', 'cut'] as const;

interface Props {
  scene: Scene;
  edit: (edit: SceneEdit) => void;
}

/** Names, marks, colour, transitions, and the program's loudness. */
export function SceneLook({ scene, edit }: Props) {
  const { transition } = scene;
  return (
    <>
      <fieldset class="scene-group">
        <legend>{t('scene.look')}</legend>
        <Check
          testId="names"
          label={t('scene.names')}
          checked={scene.names}
          onChange={(names) => edit((was) => ({ ...was, names }))}
        />
        <Check
          testId="mark-muted"
          label={t('scene.marks.muted')}
          checked={scene.marks.muted}
          onChange={(muted) => edit((was) => ({ ...was, marks: { ...was.marks, muted } }))}
        />
        <Check
          testId="mark-speaking"
          label={t('scene.marks.speaking')}
          checked={scene.marks.speaking}
          onChange={(speaking) => edit((was) => ({ ...was, marks: { ...was.marks, speaking } }))}
        />
        <div class="scene-line">
          <label for="scene-background">{t('scene.background')}</label>
          <input
            id="scene-background"
            class="colour"
            type="color"
            data-testid="background"
            value={scene.background}
            onInput={(event) => {
              const background = event.currentTarget.value;
              edit((was) => ({ ...was, background }));
            }}
          />
        </div>
        <Choice
          id="scene-transition"
          label={t('scene.transition')}
          value={transition.type}
          options={TRANSITIONS.map((type) => [type, t(`scene.transition.${type}`)])}
          onChange={(type) => edit((was) => ({ ...was, transition: { ...was.transition, type } }))}
        />
        {transition.type === 'smooth' ? (
          <Slider
            testId="transition-ms"
            label={t('scene.transition.ms')}
            min={0}
            max={LONGEST_MS}
            step={100}
            value={transition.ms}
            text={(ms) => `${(ms / 1000).toFixed(1)} s`}
            onChange={(ms) => edit((was) => ({ ...was, transition: { ...was.transition, ms } }))}
          />
        ) : null}
      </fieldset>
      <fieldset class="scene-group">
        <legend>{t('scene.sound')}</legend>
        <Check
          testId="loudness"
          label={t('scene.loudness')}
          checked={scene.loudness.automatic}
          onChange={(automatic) => edit((was) => ({ ...was, loudness: { ...was.loudness, automatic } }))}
        />
        <p class="hint small muted">{t('scene.loudness.hint')}</p>
      </fieldset>
    </>
  );
}
