import type { Scene } from '../../../../src/contracts/scene.ts';
import type { PeerInfo } from '../../../../src/contracts/signaling.ts';
import { VOLUME_DB } from '../../../shared/contract.ts';
import { deskText } from '../../../shared/deskTexts.ts';
import { formatDecibels } from '../../../shared/format.ts';
import { Icon } from '../../../shared/icons.tsx';
import { t } from '../../../shared/language.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import { sends } from '../stageTiles.ts';
import { sourceIn, withSource } from './edits.ts';
import { Slider, Toggle } from './SceneFields.tsx';
import { SoundMeter } from './SoundMeter.tsx';

interface Props {
  scene: Scene;
  peer: PeerInfo;
  kind: 'microphone' | 'screen-audio';
  track: MediaStreamTrack | null;
  /** It is in the program's sound. */
  heard: boolean;
  edit: (edit: SceneEdit) => void;
}

/** How loud one source of a person is in the program: level, volume, mute, solo. */
export function SoundLine({ scene, peer, kind, track, heard, edit }: Props) {
  const id = `${peer.id}.${kind}`;
  const { volumeDb, muted, solo } = sourceIn(scene, id);
  const name = kind === 'microphone' ? peer.name : t('studio.sharing', { name: peer.name });
  return (
    <div class="scene-source" data-testid={`sound-${kind}`}>
      <Icon name={kind === 'microphone' ? (sends(peer, kind) ? 'microphone' : 'microphone-off') : 'screen'} />
      <div class="loudness">
        <SoundMeter track={track} gainDb={volumeDb} heard={heard} label={deskText('desk.meter', { name })} />
        <Slider
          bare
          testId="volume"
          label={t('scene.volume', { name })}
          {...VOLUME_DB}
          step={1}
          value={volumeDb}
          text={formatDecibels}
          onChange={(value) => edit((was) => withSource(was, id, { volumeDb: value }))}
        />
      </div>
      <Toggle
        testId="mute-source"
        icon="speaker-off"
        label={t('scene.mute', { name })}
        pressed={muted}
        onChange={(pressed) => edit((was) => withSource(was, id, { muted: pressed }))}
      />
      <Toggle
        testId="solo"
        icon="headphones"
        label={t('scene.solo', { name })}
        pressed={solo}
        onChange={(pressed) => edit((was) => withSource(was, id, { solo: pressed }))}
      />
    </div>
  );
}
