/** What is asked of the browser for a camera and a microphone (Media Capture and Streams, section 4.3). Pure. */
import type { Facing, Processing, Quality } from './MediaSettings.ts';

/** Smooth, and what the program has. */
const CAMERA_FPS = 30;

export interface CameraWish {
  /** '': by `facing`, or the browser's choice. */
  deviceId: string;
  quality: Quality;
  /** Only a phone knows front and back; undefined: it is not asked for. */
  facing: Facing | undefined;
}

export interface MicrophoneWish {
  /** '' for the browser's choice. */
  deviceId: string;
  processing: Processing;
  music: boolean;
}

const exactly = (deviceId: string): MediaTrackConstraints => (deviceId ? { deviceId: { exact: deviceId } } : {});

/**
 * The browser takes what the camera has nearest to it, and turns the picture of a phone that is held upright: 1280x720 is asked for, 720x1280
 * comes. What fits the program is the compositor's to cut.
 */
export function cameraConstraints({ deviceId, quality, facing }: CameraWish): MediaTrackConstraints {
  return {
    width: { ideal: Math.round((quality * 16) / 9) },
    height: { ideal: quality },
    frameRate: { ideal: CAMERA_FPS },
    ...(deviceId === '' && facing ? { facingMode: { ideal: facing } } : {}),
    ...exactly(deviceId),
  };
}

export function microphoneConstraints({ deviceId, processing, music }: MicrophoneWish): MediaTrackConstraints {
  return {
    echoCancellation: processing.echo,
    noiseSuppression: processing.noise,
    autoGainControl: processing.gain,
    ...(music ? { channelCount: { ideal: 2 } } : {}),
    ...exactly(deviceId),
  };
}
