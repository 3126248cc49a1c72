import { Field } from '../../shared/Field.tsx';
import { t } from '../../shared/language.ts';
import { type LocalMedia, NONE } from './LocalMedia.ts';

/** Which camera and microphone to use. */
export function DeviceSelects({ media }: { media: LocalMedia }) {
  const { cameras, microphones } = media.lists.value;
  return (
    <div class="device-selects">
      <DeviceSelect media={media} kind="camera" devices={cameras} />
      <DeviceSelect media={media} kind="microphone" devices={microphones} />
    </div>
  );
}

interface Props {
  media: LocalMedia;
  kind: 'camera' | 'microphone';
  devices: { id: string; label: string }[];
}

function DeviceSelect({ media, kind, devices }: Props) {
  const chosen = media.chosen[kind].value;
  const known = chosen === NONE || devices.some((device) => device.id === chosen);
  return (
    <Field id={`${kind}-select`} label={t(`prejoin.${kind}`)}>
      <select
        id={`${kind}-select`}
        class="input"
        data-testid={`${kind}-select`}
        value={known ? chosen : ''}
        onChange={(event) => void media.choose(kind, event.currentTarget.value)}
      >
        {known && chosen !== '' ? null : <option value="">{t(`prejoin.${kind}`)}</option>}
        {devices.map((device) => (
          <option key={device.id} value={device.id}>
            {device.label}
          </option>
        ))}
        <option value={NONE}>{t(`prejoin.none.${kind}`)}</option>
      </select>
    </Field>
  );
}
