import type { SourceKind } from '../../../../src/contracts/ids.ts';
import type { LocalMedia } from '../../media/LocalMedia.ts';
import type { StudioSession } from '../../session/StudioSession.ts';

/** What somebody sends of this kind, as this page has it: one's own capture, or what was received; null: nothing right now. */
export function trackOf(
  session: StudioSession,
  media: LocalMedia,
  peerId: string,
  kind: SourceKind,
): MediaStreamTrack | null {
  const { selfId, remote } = session.state;
  if (peerId !== selfId.value) {
    const found = remote.value.find((each) => each.peerId === peerId && each.source === kind);
    return found && !found.paused ? found.track : null;
  }
  const own = {
    camera: media.camera,
    microphone: media.microphone,
    screen: media.screen,
    'screen-audio': media.screenAudio,
  };
  return own[kind].value;
}
