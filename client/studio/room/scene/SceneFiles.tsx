import type { Corner, Logo, Music, Scene } from '../../../../src/contracts/scene.ts';
import { deskText } from '../../../shared/deskTexts.ts';
import { formatDecibels } from '../../../shared/format.ts';
import { t } from '../../../shared/language.ts';
import { type Problem, problemOf } from '../../../shared/problems.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import { type FileKind, FileLine } from './FileLine.tsx';
import { CORNERS } from './LayoutSettings.tsx';
import { Choice, PercentSlider, Slider } from './SceneFields.tsx';

type Slot = 'logo' | 'backgroundImage' | 'slateImage' | 'music';

/** What a new one begins with; the rest are the contract's defaults. */
const NEW_LOGO = { corner: 'top-right', size: 0.1, opacity: 1 } as const;
const NEW_MUSIC = { volumeDb: -14, duckDb: 12 };

const SLOTS: readonly { slot: Slot; kind: FileKind; put: (scene: Scene, id: string | null) => Scene }[] = [
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

/** Sends a file to the server; its id. */
export type Upload = (file: File, kind: FileKind) => Promise<string>;

interface Props {
  scene: Scene;
  edit: (edit: SceneEdit) => void;
  upload: Upload;
  onRefused: (problem: Problem) => void;
}

/** Images and the music bed: a file is sent, and is on air as soon as the server has it. */
export function SceneFiles({ scene, edit, upload, onRefused }: Props) {
  const { logo, music } = scene;
  return (
    <fieldset class="scene-group">
      <legend>{t('scene.files')}</legend>
      {SLOTS.map(({ slot, kind, put }) => (
        <div key={slot} class="scene-file">
          <FileLine
            testId={`file-${slot}`}
            name={t(`scene.file.${slot}`)}
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
          {slot === 'logo' && logo ? <LogoSettings logo={logo} edit={edit} /> : null}
          {slot === 'music' && music ? <MusicSettings music={music} edit={edit} /> : null}
        </div>
      ))}
    </fieldset>
  );
}

function LogoSettings({ logo, edit }: { logo: Logo; edit: Props['edit'] }) {
  const set = (part: Partial<Logo>) => edit((was) => (was.logo ? { ...was, logo: { ...was.logo, ...part } } : was));
  return (
    <>
      <Choice<Corner>
        id="scene-logo-corner"
        label={t('scene.logo.corner')}
        value={logo.corner}
        options={CORNERS.map((corner) => [corner, t(`scene.corner.${corner}`)])}
        onChange={(corner) => set({ corner })}
      />
      <PercentSlider
        testId="logo-size"
        label={deskText('desk.logo.size')}
        min={2}
        max={50}
        step={1}
        value={logo.size}
        onChange={(size) => set({ size })}
      />
      <PercentSlider
        testId="logo-opacity"
        label={deskText('desk.logo.opacity')}
        min={0}
        max={100}
        step={5}
        value={logo.opacity}
        onChange={(opacity) => set({ opacity })}
      />
    </>
  );
}

function MusicSettings({ music, edit }: { music: Music; edit: Props['edit'] }) {
  const set = (part: Partial<Music>) => edit((was) => (was.music ? { ...was, music: { ...was.music, ...part } } : was));
  return (
    <>
      <Slider
        testId="music-volume"
        label={t('scene.music.volume')}
        min={-60}
        max={0}
        step={1}
        value={music.volumeDb}
        text={formatDecibels}
        onChange={(volumeDb) => set({ volumeDb })}
      />
      <Slider
        testId="music-duck"
        label={deskText('desk.music.duck')}
        min={0}
        max={40}
        step={1}
        value={music.duckDb}
        text={(db) => (db === 0 ? deskText('desk.music.duck.none') : formatDecibels(-db))}
        onChange={(duckDb) => set({ duckDb })}
      />
    </>
  );
}
