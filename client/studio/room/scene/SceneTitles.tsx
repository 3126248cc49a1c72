import type { Scene } from '../../../../src/contracts/scene.ts';
import { t } from '../../../shared/language.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { LowerThirdForm } from './LowerThirdForm.tsx';
import { SceneCaptions } from './SceneCaptions.tsx';

interface Props {
  room: string;
  scene: Scene;
  edit: (edit: SceneEdit) => void;
  session: StudioSession;
}

/** Words over the picture. */
export function SceneTitles({ room, scene, edit, session }: Props) {
  return (
    <fieldset class="scene-group">
      <legend>{t('scene.titles')}</legend>
      <LowerThirdForm room={room} shown={scene.lowerThird} edit={edit} />
      <SceneCaptions session={session} />
    </fieldset>
  );
}
