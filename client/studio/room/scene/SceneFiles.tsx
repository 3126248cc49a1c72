import { useSignal } from '@preact/signals';
import type { Corner, Scene } from '../../../../src/contracts/scene.ts';
import { formatDecibels } from '../../../shared/format.ts';
import { t } from '../../../shared/language.ts';
import { type Problem, problemOf } from '../../../shared/problems.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import { CORNERS } from './LayoutSettings.tsx';
import { Choice, Slider } from './SceneFields.tsx';

type Kind = 'image' | 'audio';
type Slot = 'logo' | 'backgroundImage' | 'slateImage' | 'music';

/** What the server takes; a browser's file dialog shows these. */
const ACCEPT: Record<Kind, string> = {
  image: 'image/png,image/jpeg,image/webp,image/svg+xml',
  audio: 'audio/mpeg,audio/aac,audio/ogg,audio/flac,audio/wav,audio/mp4,.mp3,.aac,.ogg,.flac,.wav,.m4a',
};
/** What a new one begins with; the rest are the contract's defaults. */
const NEW_LOGO = { corner: 'top-right', size: 0.1, opacity: 1 } as const;
const NEW_MUSIC = { volumeDb: -14, duckDb: 12 };

const SLOTS: readonly { slot: Slot; kind: Kind; put: (scene: Scene, id: string | null) => Scene }[] = [
  {
    slot: 'logo',
    kind: 'image',
    put: (scene, id) => ({ ...scene, logo: id === null ? null : { ...NEW_LOGO, ...scene.logo, image: id } }),
  },
  { slot: 'backgroundImage', kind: 'image', put: (scene, id) => ({ ...scene, backgroundImage: id }) },
  { slot: 'slateImage', kind: 'image', put: (scene, id) => ({ ...scene, slateImage: id }) },
  {
    slot: 'music',
    kind: 'audio',
    put: (scene, id) => ({ ...scene, music: id === null ? null : { ...NEW_MUSIC, ...scene.music, sound: id } }),
  },
];

interface Props {
  scene: Scene;
  edit: (edit: SceneEdit) => void;
  /** Sends a file to the server; its id. */
  upload: (file: File, kind: Kind) => Promise<string>;
  onRefused: (problem: Problem) => void;
}

/** Images and the music bed: a file is sent, and is on air as soon as the server has it. */
export function SceneFiles({ scene, edit, upload, onRefused }: Props) {
  const { logo, music } = scene;
  return (
    <fieldset class="scene-group">
      <legend>{t('scene.files')}</legend>
      {SLOTS.map(({ slot, kind, put }) => (
        <FileLine
          key={slot}
          slot={slot}
          kind={kind}
          present={scene[slot] !== null}
          upload={async (file) => {
            try {
              const id = await upload(file, kind);
              edit((was) => put(was, id));
            } catch (error) {
              onRefused(problemOf(error));
            }
          }}
          takeOff={() => edit((was) => put(was, null))}
        />
      ))}
      {logo ? (
        <Choice<Corner>
          id="scene-logo-corner"
          label={t('scene.logo.corner')}
          value={logo.corner}
          options={CORNERS.map((corner) => [corner, t(`scene.corner.${corner}`)])}
          onChange={(corner) => edit((was) => (was.logo ? { ...was, logo: { ...was.logo, corner } } : was))}
        />
      ) : null}
      {music ? (
        <Slider
          testId="music-volume"
          label={t('scene.music.volume')}
          min={-60}
          max={0}
          step={1}
          value={music.volumeDb}
          text={formatDecibels}
          onChange={(volumeDb) => edit((was) => (was.music ? { ...was, music: { ...was.music, volumeDb } } : was))}
        />
      ) : null}
    </fieldset>
  );
}

interface LineProps {
  slot: Slot;
  kind: Kind;
  present: boolean;
  upload: (file: File) => Promise<void>;
  takeOff: () => void;
}

function FileLine({ slot, kind, present, upload, takeOff }: LineProps) {
  const busy = useSignal(false);
  const name = t(`scene.file.${slot}`);
  const choose = async (input: HTMLInputElement) => {
    const file = input.files?.[0];
    // The same file may be chosen again after it was taken off.
    input.value = '';
    if (!file) return;
    busy.value = true;
    await upload(file);
    busy.value = false;
  };
  return (
    <div class="scene-line" data-testid={`file-${slot}`} data-present={present}>
      <span class="grow">{name}</span>
      <label class="button slim file" aria-busy={busy.value}>
        {busy.value ? t('scene.sending') : t(present ? 'scene.replace' : 'scene.choose')}
        <input
          type="file"
          class="visually-hidden"
          accept={ACCEPT[kind]}
          aria-label={`${t(present ? 'scene.replace' : 'scene.choose')}: ${name}`}
          disabled={busy.value}
          onChange={(event) => void choose(event.currentTarget)}
        />
      </label>
      {present ? (
        <button
          type="button"
          class="button outline slim"
          aria-label={`${t('scene.takeOff')}: ${name}`}
          onClick={takeOff}
        >
          {t('scene.takeOff')}
        </button>
      ) : null}
    </div>
  );
}
