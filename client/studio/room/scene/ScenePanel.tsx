import { useCallback } from 'preact/hooks';
import type { SourceKind } from '../../../../src/contracts/ids.ts';
import { deskText } from '../../../shared/deskTexts.ts';
import { Icon } from '../../../shared/icons.tsx';
import { t } from '../../../shared/language.ts';
import { type Problem, problemOf } from '../../../shared/problems.ts';
import type { Studio } from '../../Studio.ts';
import type { SceneEdit, SceneEditor } from '../../session/SceneEditor.ts';
import type { StudioSession } from '../../session/StudioSession.ts';
import { placePerson } from '../drag/useStageOrder.ts';
import { LayoutPicker } from './LayoutPicker.tsx';
import { SceneFiles } from './SceneFiles.tsx';
import { SceneLook } from './SceneLook.tsx';
import { ScenePeople } from './ScenePeople.tsx';
import { SceneTitles } from './SceneTitles.tsx';
import { trackOf } from './trackOf.ts';

/** The program while there is none yet, pixels: what the studio goes live with. */
const USUAL = { width: 1280, height: 720 };

/** How the program looks and sounds, for hosts. Every change is on air at once. */
export function ScenePanel({ studio, session }: { studio: Studio; session: StudioSession }) {
  const { seated, broadcast, onAir } = session.state;
  const scene = session.scene.scene.value;
  const peers = seated.value;
  const media = studio.media.value;
  const size = onAir.value && broadcast.value ? broadcast.value.video : USUAL;
  const edit = (change: SceneEdit) => session.scene.edit(change);
  const track = useCallback(
    (peerId: string, kind: SourceKind) => trackOf(session, media, peerId, kind),
    [session, media],
  );
  const refuse = (problem: Problem) => {
    session.refused.value = problem;
  };
  if (!scene) return null;
  return (
    <section class="panel-part stack scene" aria-labelledby="scene-heading" data-testid="scene-panel">
      <div class="row">
        <h2 id="scene-heading" class="grow">
          {t('scene.title')}
        </h2>
        <Steps editor={session.scene} />
      </div>
      <p class="muted small">{t(onAir.value ? 'scene.lead.live' : 'scene.lead')}</p>
      <LayoutPicker scene={scene} peers={peers} size={size} track={track} asset={studio.asset} edit={edit} />
      <ScenePeople
        scene={scene}
        peers={peers}
        track={track}
        edit={edit}
        place={(id, place) => placePerson(session, id, place)}
        upload={async (file, then) => {
          try {
            then(await studio.upload(file, 'image'));
          } catch (error) {
            refuse(problemOf(error));
          }
        }}
      />
      <SceneTitles room={studio.room} scene={scene} edit={edit} session={session} />
      <SceneFiles scene={scene} edit={edit} upload={studio.upload} onRefused={refuse} />
      <SceneLook scene={scene} edit={edit} />
    </section>
  );
}

/** One's own last changes, back and forth. */
function Steps({ editor }: { editor: SceneEditor }) {
  const step = (testId: 'undo' | 'redo', possible: boolean, onStep: () => void) => (
    <button
      type="button"
      class="button icon-only slim"
      data-testid={testId}
      aria-label={deskText(`desk.${testId}`)}
      title={deskText(`desk.${testId}`)}
      aria-disabled={!possible}
      onClick={onStep}
    >
      <Icon name={testId} />
    </button>
  );
  return (
    <div class="scene-buttons">
      {step('undo', editor.history.canUndo.value, () => editor.undo())}
      {step('redo', editor.history.canRedo.value, () => editor.redo())}
    </div>
  );
}
