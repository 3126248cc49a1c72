/** Asks the browser for cameras, microphones and screens. Every failure comes out as a ProblemError. */
import { ProblemError, problemOfCapture, type Wanted } from '../../shared/problems.ts';

/** Slides and code: enough for smooth scrolling. */
const SCREEN_FPS = 30;

function devices(): MediaDevices {
  // Outside a secure context the whole API is missing (Media Capture and Streams, section 9.2).
  if (!navigator.mediaDevices) throw new ProblemError(isSecureContext ? 'no-webrtc' : 'insecure-context');
  return navigator.mediaDevices;
}

async function capture(constraints: MediaStreamConstraints, wanted: Wanted): Promise<MediaStream> {
  try {
    return await devices().getUserMedia(constraints);
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    const problem = problemOfCapture(error, wanted);
    throw new ProblemError(problem.code, problem.detail, { cause: error });
  }
}

/** One camera (constraints.ts). */
export async function captureCamera(video: MediaTrackConstraints): Promise<MediaStreamTrack> {
  const stream = await capture({ video }, 'camera');
  const track = stream.getVideoTracks()[0];
  if (!track) throw new ProblemError('no-camera');
  return track;
}

export async function captureMicrophone(audio: MediaTrackConstraints): Promise<MediaStreamTrack> {
  const stream = await capture({ audio }, 'microphone');
  const track = stream.getAudioTracks()[0];
  if (!track) throw new ProblemError('no-microphone');
  return track;
}

/** Both by one question to the person; undefined when one of them is not to be had, so that each is asked for alone. */
export async function captureBoth(
  video: MediaTrackConstraints,
  audio: MediaTrackConstraints,
): Promise<{ camera: MediaStreamTrack; microphone: MediaStreamTrack } | undefined> {
  try {
    const stream = await devices().getUserMedia({ video, audio });
    const [camera] = stream.getVideoTracks();
    const [microphone] = stream.getAudioTracks();
    return camera && microphone ? { camera, microphone } : undefined;
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    if (error instanceof Error && error.name === 'NotAllowedError')
      throw new ProblemError('permission-denied', error.message, { cause: error });
    return undefined;
  }
}

/** What browsers ask of a screen beside the standard's constraints (Screen Capture, section 5.2); who does not know one leaves it out. */
interface ScreenWish extends DisplayMediaStreamOptions {
  systemAudio?: 'include' | 'exclude';
  surfaceSwitching?: 'include' | 'exclude';
}

/**
 * A screen, window or tab; undefined when the person thought better of it. `withSound`: with its sound, where the browser offers it and the
 * person leaves it on in the browser's own question.
 */
export async function captureScreen(
  withSound: boolean,
): Promise<{ screen: MediaStreamTrack; audio: MediaStreamTrack | undefined } | undefined> {
  const media = devices();
  if (!media.getDisplayMedia) throw new ProblemError('screen-failed');
  const wish: ScreenWish = {
    video: { frameRate: { ideal: SCREEN_FPS, max: SCREEN_FPS } },
    audio: withSound ? { echoCancellation: false, noiseSuppression: false, autoGainControl: false } : false,
    systemAudio: withSound ? 'include' : 'exclude',
    surfaceSwitching: 'include',
  };
  try {
    const stream = await media.getDisplayMedia(wish);
    const [screen] = stream.getVideoTracks();
    if (!screen) throw new ProblemError('screen-failed');
    screen.contentHint = 'detail';
    return { screen, audio: stream.getAudioTracks()[0] };
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    // Closing the picker is this error too; the system's own refusal says so in its message.
    if (error instanceof Error && error.name === 'NotAllowedError' && !/system/i.test(error.message)) return undefined;
    const problem = problemOfCapture(error, 'screen');
    throw new ProblemError(problem.code === 'permission-denied' ? 'screen-failed' : problem.code, problem.detail, {
      cause: error,
    });
  }
}

export interface DeviceLists {
  cameras: { id: string; label: string }[];
  microphones: { id: string; label: string }[];
  /** Empty where the browser lets no page choose one. */
  speakers: { id: string; label: string }[];
}

/** What can be chosen. Before the person has allowed anything the browser hides ids and labels; such entries are left out. */
export async function listDevices(): Promise<DeviceLists> {
  const all = await devices().enumerateDevices();
  const of = (kind: MediaDeviceKind) =>
    all.filter((d) => d.kind === kind && d.deviceId !== '').map((d) => ({ id: d.deviceId, label: d.label || d.kind }));
  const speakers = 'setSinkId' in HTMLMediaElement.prototype ? of('audiooutput') : [];
  return { cameras: of('videoinput'), microphones: of('audioinput'), speakers };
}

/** The device that a track comes from. */
export const deviceOf = (track: MediaStreamTrack | null): string => track?.getSettings().deviceId ?? '';
