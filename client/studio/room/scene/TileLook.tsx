import type { Scene } from '../../../../src/contracts/scene.ts';
import { deskText } from '../../../shared/deskTexts.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import { Colour, PercentSlider, Slider } from './SceneFields.tsx';

type Tiles = Scene['tiles'];

interface Props {
  tiles: Tiles;
  edit: (edit: SceneEdit) => void;
}

/** The contract's lengths are fractions; a person sees thousandths of the program's shorter side as tenths of a percent. */
const THOUSAND = 1000;
const percent = (thousandths: number): string => `${(thousandths / 10).toFixed(1)} %`;
/** Colour of a border that was not there before. */
const NEW_BORDER = '#ffffff';

/** The space between tiles, their corners and their border. */
export function TileLook({ tiles, edit }: Props) {
  const set = (part: Partial<Tiles>) => edit((was) => ({ ...was, tiles: { ...was.tiles, ...part } }));
  const { gap, radius, border } = tiles;
  return (
    <>
      <Slider
        testId="tile-gap"
        label={deskText('desk.tile.gap')}
        min={0}
        max={50}
        step={1}
        value={Math.round(gap * THOUSAND)}
        text={percent}
        onChange={(value) => set({ gap: value / THOUSAND })}
      />
      <PercentSlider
        testId="tile-radius"
        label={deskText('desk.tile.radius')}
        min={0}
        max={50}
        step={1}
        value={radius}
        onChange={(next) => set({ radius: next })}
      />
      <Slider
        testId="tile-border"
        label={deskText('desk.tile.border')}
        min={0}
        max={20}
        step={1}
        value={Math.round((border?.width ?? 0) * THOUSAND)}
        text={percent}
        onChange={(value) =>
          set({ border: value === 0 ? null : { width: value / THOUSAND, color: border?.color ?? NEW_BORDER } })
        }
      />
      {border ? (
        <Colour
          id="scene-border-colour"
          testId="border-colour"
          label={deskText('desk.tile.border.colour')}
          value={border.color}
          onChange={(color) => set({ border: { ...border, color } })}
        />
      ) : null}
    </>
  );
}
