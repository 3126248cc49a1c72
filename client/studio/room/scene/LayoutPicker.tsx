import { useEffect, useMemo } from 'preact/hooks';
import type { SourceKind } from '../../../../src/contracts/ids.ts';
import type { Layout, Scene } from '../../../../src/contracts/scene.ts';
import type { PeerInfo } from '../../../../src/contracts/signaling.ts';
import { arrange } from '../../../../src/layout/tiles.ts';
import { deskText } from '../../../shared/deskTexts.ts';
import { t } from '../../../shared/language.ts';
import { pictureOf } from '../../media/shownVideos.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import { LayoutPreview } from './LayoutPreview.tsx';
import { LayoutSettings } from './LayoutSettings.tsx';
import { LivePreviews } from './LivePreviews.ts';
import { isSameLayout, PRESETS } from './presets.ts';
import { choicesFor, preview } from './previews.ts';
import { Check } from './SceneFields.tsx';

interface Props {
  scene: Scene;
  peers: readonly PeerInfo[];
  /** Of the program, pixels. */
  size: { width: number; height: number };
  /** What this page has of a source. */
  track: (peerId: string, kind: SourceKind) => MediaStreamTrack | null;
  /** An image of the scene. */
  asset: (id: string) => Promise<Blob>;
  edit: (edit: SceneEdit) => void;
}

/** The layouts as they would look with the people who are here. Radio buttons: arrow keys choose. */
export function LayoutPicker({ scene, peers, size, track, asset, edit }: Props) {
  const previews = usePreviews(track, asset);
  const preset = PRESETS.find(({ layout }) => isSameLayout(layout, scene.layout));
  const choice = (id: string, name: string, layout: Layout, checked: boolean) => (
    <label key={id} class="layout-choice" data-testid={`layout-${id}`}>
      <input
        type="radio"
        name="scene-layout"
        class="visually-hidden"
        checked={checked}
        onChange={() => edit((was) => ({ ...was, layout }))}
      />
      <LayoutPreview
        previews={previews}
        spec={{ scene, size, tiles: arrange(preview(scene, layout, peers), size.width, size.height) }}
      />
      <span>{name}</span>
    </label>
  );
  return (
    <fieldset class="scene-group">
      <legend>{t('scene.layout')}</legend>
      <div class="layouts">
        {choicesFor(scene.layout)
          .filter((layout) => layout.type !== 'custom' || !preset)
          .map((layout) =>
            choice(layout.type, t(`scene.layout.${layout.type}`), layout, layout.type === scene.layout.type),
          )}
        {PRESETS.map(({ id, layout }) => choice(id, deskText(`desk.preset.${id}`), layout, id === preset?.id))}
      </div>
      <LayoutSettings layout={scene.layout} edit={edit} />
      {scene.layout.type === 'custom' || scene.layout.type === 'spotlight' || scene.layout.type === 'screen' ? null : (
        <Check
          testId="auto-screen"
          label={t('scene.autoScreen')}
          checked={scene.autoScreen}
          onChange={(autoScreen) => edit((was) => ({ ...was, autoScreen }))}
        />
      )}
    </fieldset>
  );
}

/** The pictures of this picker, by the videos that the stage plays. */
function usePreviews(track: Props['track'], asset: Props['asset']): LivePreviews {
  const previews = useMemo(
    () =>
      new LivePreviews({
        videoOf: (source) => {
          const [peerId = '', kind] = source.split('.');
          const found = track(peerId, kind as SourceKind);
          return found ? pictureOf(found) : undefined;
        },
        assetOf: asset,
      }),
    [track, asset],
  );
  useEffect(() => () => previews.close(), [previews]);
  return previews;
}
