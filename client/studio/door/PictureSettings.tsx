import { Field } from '../../shared/Field.tsx';
import { doorText } from '../doorTexts.ts';
import type { LocalMedia } from '../media/LocalMedia.ts';
import { QUALITIES } from '../media/MediaSettings.ts';
import { canBlur } from './blur/canBlur.ts';
import { Switch } from './Switch.tsx';

/** How large one's picture is, and whether what is behind one is blurred. */
export function PictureSettings({ media }: { media: LocalMedia }) {
  const { quality, blur } = media.settings;
  const possible = canBlur();
  return (
    <>
      <Field id="quality" label={doorText('quality.label')}>
        <select
          id="quality"
          class="input"
          data-testid="quality"
          value={quality.value}
          onChange={(event) => {
            const chosen = QUALITIES.find((each) => String(each) === event.currentTarget.value);
            if (chosen) void media.setQuality(chosen);
          }}
        >
          {QUALITIES.map((each) => (
            <option key={each} value={each}>
              {doorText(`quality.${each}`)}
            </option>
          ))}
        </select>
      </Field>
      <Switch
        id="blur"
        label={doorText('blur.label')}
        hint={doorText(possible ? 'blur.hint' : 'blur.unsupported')}
        on={possible && blur.value}
        disabled={!possible}
        onChange={(on) => media.setBlur(on)}
      />
    </>
  );
}
