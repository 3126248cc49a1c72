import { useSignal } from '@preact/signals';
import { Dialog } from '../../shared/Dialog.tsx';
import { Icon, type IconName } from '../../shared/icons.tsx';
import { t } from '../../shared/language.ts';
import { DeviceSelects } from '../media/DeviceSelects.tsx';
import type { LocalMedia } from '../media/LocalMedia.ts';
import type { StudioSession } from '../session/StudioSession.ts';

interface Props {
  session: StudioSession;
  media: LocalMedia;
  panelOpen: boolean;
  onPanel: () => void;
}

/** One's own microphone, camera and screen, and the way out. */
export function ControlBar({ session, media, panelOpen, onPanel }: Props) {
  const devices = useSignal(false);
  const muted = media.muted.value || !media.microphone.value;
  const cameraOff = !media.camera.value;
  const sharing = media.screen.value !== null;
  const canShare = 'getDisplayMedia' in (navigator.mediaDevices ?? {});

  const toggleMute = () => {
    if (media.microphone.value) media.setMuted(!media.muted.value);
    else void turnOn('microphone');
  };
  const turnOn = async (kind: 'camera' | 'microphone') => {
    if (kind === 'microphone') media.setMuted(false);
    // "None" was chosen at the door; the button now says otherwise.
    if (media.chosen[kind].value === 'none') await media.choose(kind, '');
    else await media.start(kind);
  };
  const toggleCamera = () => {
    if (cameraOff) void turnOn('camera');
    else media.stop('camera');
  };

  return (
    <nav class="controls" aria-label={t('studio.controls')}>
      <Control
        testId="mute"
        icon={muted ? 'microphone-off' : 'microphone'}
        label={muted ? t('studio.unmute') : t('studio.mute')}
        off={muted}
        onClick={toggleMute}
      />
      <Control
        testId="camera"
        icon={cameraOff ? 'camera-off' : 'camera'}
        label={cameraOff ? t('studio.camera.on') : t('studio.camera.off')}
        off={cameraOff}
        onClick={toggleCamera}
      />
      {canShare ? (
        <Control
          testId="screen"
          icon="screen"
          label={sharing ? t('studio.screen.stop') : t('studio.screen')}
          on={sharing}
          onClick={() => (sharing ? media.stopScreen() : void media.shareScreen())}
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
      <Control testId="leave" icon="leave" label={t('studio.leave')} leave onClick={() => void session.leave()} />
      {devices.value ? (
        <Dialog
          title={t('studio.devices')}
          onClose={() => {
            devices.value = false;
          }}
        >
          <div class="stack dialog-body">
            <DeviceSelects media={media} />
          </div>
          <form method="dialog" class="actions">
            <button type="submit" class="button primary">
              {t('common.close')}
            </button>
          </form>
        </Dialog>
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
