import { useSignal } from '@preact/signals';
import { Icon, type IconName } from '../../shared/icons.tsx';
import { t } from '../../shared/language.ts';
import { DoorDevices } from '../door/DoorDevices.tsx';
import { doorText } from '../doorTexts.ts';
import type { LocalMedia } from '../media/LocalMedia.ts';
import { canShareScreen, isMuted, toggleCamera, toggleMute, toggleScreen } from '../media/ownControls.ts';
import type { StudioSession } from '../session/StudioSession.ts';
import { DevicesDialog } from './DevicesDialog.tsx';
import { KeysButton } from './keys/KeysButton.tsx';
import { ScreenSoundChoice } from './ScreenSound.tsx';

interface Props {
  session: StudioSession;
  media: LocalMedia;
  panelOpen: boolean;
  onPanel: () => void;
}

/** One's own microphone, camera and screen, and the way out. */
export function ControlBar({ session, media, panelOpen, onPanel }: Props) {
  const devices = useSignal(false);
  const muted = isMuted(media);
  const cameraOff = !media.camera.value;
  const sharing = media.screen.value !== null;

  return (
    <nav class="controls" aria-label={t('studio.controls')}>
      <Control
        testId="mute"
        icon={muted ? 'microphone-off' : 'microphone'}
        label={muted ? t('studio.unmute') : t('studio.mute')}
        off={muted}
        onClick={() => toggleMute(media)}
      />
      <Control
        testId="camera"
        icon={cameraOff ? 'camera-off' : 'camera'}
        label={cameraOff ? t('studio.camera.on') : t('studio.camera.off')}
        off={cameraOff}
        onClick={() => toggleCamera(media)}
      />
      {media.canFlip.value ? (
        <Control testId="flip" icon="flip" label={doorText('device.flip')} onClick={() => void media.flip()} />
      ) : null}
      {canShareScreen() ? (
        <Control
          testId="screen"
          icon="screen"
          label={sharing ? t('studio.screen.stop') : t('studio.screen')}
          on={sharing}
          onClick={() => toggleScreen(media)}
        />
      ) : null}
      <Control
        testId="devices"
        icon="settings"
        label={t('studio.devices')}
        onClick={() => {
          devices.value = true;
        }}
      />
      <Control
        testId="panel"
        icon="people"
        label={panelOpen ? t('studio.panel.close') : t('studio.panel')}
        on={panelOpen}
        count={session.state.asking.value.length}
        onClick={onPanel}
      />
      <KeysButton />
      <Control testId="leave" icon="leave" label={t('studio.leave')} leave onClick={() => void session.leave()} />
      {devices.value ? (
        <DevicesDialog
          onClose={() => {
            devices.value = false;
          }}
        >
          <DoorDevices media={media} />
          {canShareScreen() ? <ScreenSoundChoice media={media} /> : null}
        </DevicesDialog>
      ) : null}
    </nav>
  );
}

interface ControlProps {
  testId: string;
  icon: IconName;
  /** What a click does; it changes with the state, so there is no aria-pressed beside it. */
  label: string;
  on?: boolean;
  off?: boolean;
  leave?: boolean;
  count?: number;
  onClick: () => void;
}

function Control({ testId, icon, label, on = false, off = false, leave = false, count = 0, onClick }: ControlProps) {
  return (
    <button
      type="button"
      class={`control ${off ? 'off' : ''} ${on ? 'on' : ''} ${leave ? 'leave' : ''}`}
      aria-label={count > 0 ? `${label} (${count})` : label}
      title={label}
      data-testid={testId}
      data-state={off ? 'off' : 'on'}
      onClick={onClick}
    >
      <Icon name={icon} />
      {count > 0 ? <span class="count" data-count={count} /> : null}
    </button>
  );
}
