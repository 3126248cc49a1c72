import { t } from '../../../shared/language.ts';
import type { Studio } from '../../Studio.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { LayoutPicker } from './LayoutPicker.tsx';
import { SceneFiles } from './SceneFiles.tsx';
import { SceneLook } from './SceneLook.tsx';
import { ScenePeople } from './ScenePeople.tsx';
import { SceneTitles } from './SceneTitles.tsx';

/** The program while there is none yet, pixels: what the studio goes live with. */
const USUAL = { width: 1280, height: 720 };

/** How the program looks and sounds, for hosts. Every change is on air at once. */
export function ScenePanel({ studio, session }: { studio: Studio; session: StudioSession }) {
  const { seated, broadcast, onAir } = session.state;
  const scene = session.scene.scene.value;
  const peers = seated.value;
  const size = onAir.value && broadcast.value ? broadcast.value.video : USUAL;
  const edit = (change: SceneEdit) => session.scene.edit(change);
  if (!scene) return null;
  return (
    <section class="panel-part stack scene" aria-labelledby="scene-heading" data-testid="scene-panel">
      <h2 id="scene-heading">{t('scene.title')}</h2>
      <p class="muted small">{t(onAir.value ? 'scene.lead.live' : 'scene.lead')}</p>
      <LayoutPicker scene={scene} peers={peers} size={size} edit={edit} />
      <ScenePeople scene={scene} peers={peers} edit={edit} />
      <SceneTitles scene={scene} edit={edit} session={session} />
      <SceneFiles
        scene={scene}
        edit={edit}
        upload={studio.upload}
        onRefused={(problem) => {
          session.refused.value = problem;
        }}
      />
      <SceneLook scene={scene} edit={edit} />
    </section>
  );
}
