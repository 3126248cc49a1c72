import type { Scene } from '../../../../src/contracts/scene.ts';
import { deskText } from '../../../shared/deskTexts.ts';
import { t } from '../../../shared/language.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import { Check, Choice, Colour, Slider } from './SceneFields.tsx';
import { SlateText } from './SlateText.tsx';
import { TileLook } from './TileLook.tsx';

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
        <TileLook tiles={scene.tiles} edit={edit} />
        <Colour
          id="scene-background"
          testId="background"
          label={t('scene.background')}
          value={scene.background}
          onChange={(background) => edit((was) => ({ ...was, background }))}
        />
        <SlateText shown={scene.slateText} edit={edit} />
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
        {scene.loudness.automatic ? (
          <Slider
            testId="loudness-target"
            label={deskText('desk.loudness.target')}
            min={-30}
            max={-10}
            step={1}
            value={scene.loudness.targetLufs}
            text={(lufs) => `${lufs < 0 ? '−' : ''}${Math.abs(lufs)} LUFS`}
            onChange={(targetLufs) => edit((was) => ({ ...was, loudness: { ...was.loudness, targetLufs } }))}
          />
        ) : null}
        <p class="hint small muted">{t('scene.loudness.hint')}</p>
      </fieldset>
    </>
  );
}
