import type { Corner, Layout } from '../../../../src/contracts/scene.ts';
import { t } from '../../../shared/language.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import { Choice, Slider } from './SceneFields.tsx';

export const CORNERS: readonly Corner[] = ['top-left', 'top-right', 'bottom-left', 'bottom-right'];
const SIDES = ['left', 'right'] as const;

interface Props {
  layout: Layout;
  edit: (edit: SceneEdit) => void;
}

/** What the present layout lets one choose. */
export function LayoutSettings({ layout, edit }: Props) {
  const set = (next: Layout) => edit((scene) => ({ ...scene, layout: next }));
  switch (layout.type) {
    case 'sidebar':
      return (
        <Choice
          id="scene-side"
          label={t('scene.side')}
          value={layout.side}
          options={SIDES.map((side) => [side, t(`scene.side.${side}`)])}
          onChange={(side) => set({ type: 'sidebar', side })}
        />
      );
    case 'pip':
      return (
        <Choice
          id="scene-corner"
          label={t('scene.corner')}
          value={layout.corner}
          options={CORNERS.map((corner) => [corner, t(`scene.corner.${corner}`)])}
          onChange={(corner) => set({ type: 'pip', corner })}
        />
      );
    case 'split':
      return (
        <Slider
          label={t('scene.share')}
          testId="share"
          min={20}
          max={80}
          step={5}
          value={Math.round(layout.share * 100)}
          text={(value) => `${value} %`}
          onChange={(value) => set({ type: 'split', share: value / 100 })}
        />
      );
    default:
      return null;
  }
}
