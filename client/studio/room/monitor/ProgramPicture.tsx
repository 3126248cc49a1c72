import { effect, type ReadonlySignal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { monitorText } from '../../../shared/monitorTexts.ts';
import type { ProgramTrack } from '../../session/MonitorSession.ts';
import type { PictureState } from './monitorState.ts';

interface Props {
  /** The newest is the last; while two compositors change there are two. */
  tracks: ReadonlySignal<readonly ProgramTrack[]>;
  onPicture: (state: PictureState) => void;
}

/**
 * The program's picture over changes of the compositor that sends it. A stream is seen from its first frame on; when it ends and there is no other yet,
 * its last frame stands: it is drawn in the moment that the track goes, since browsers show an ended one black.
 */
export function ProgramPicture({ tracks, onPicture }: Props) {
  const seen = useSignal<string | null>(null);
  const kept = useSignal(false);
  const canvas = useRef<HTMLCanvasElement>(null);
  const videos = useRef(new Map<string, HTMLVideoElement>());
  const choose = () => {
    const ready = tracks.value.findLast(({ consumerId }) => {
      const video = videos.current.get(consumerId);
      return video !== undefined && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
    });
    if (!ready) return;
    seen.value = ready.consumerId;
    kept.value = false;
  };
  // Not by a render, which comes after the track's end.
  useEffect(
    () =>
      effect(() => {
        const there = tracks.value.some(({ consumerId }) => consumerId === seen.peek());
        if (there || seen.peek() === null) return;
        kept.value = keepFrame(videos.current.get(seen.peek() ?? ''), canvas.current);
        seen.value = null;
        choose();
      }),
    [tracks],
  );
  const state = seen.value !== null ? 'there' : kept.value ? 'kept' : 'none';
  useEffect(() => onPicture(state), [state]);
  return (
    <>
      {tracks.value.map(({ consumerId, track }) => (
        <Picture
          key={consumerId}
          track={track}
          seen={consumerId === seen.value}
          onFrame={choose}
          onElement={(video) => {
            if (video) videos.current.set(consumerId, video);
            else videos.current.delete(consumerId);
          }}
        />
      ))}
      <canvas ref={canvas} class={kept.value ? 'seen' : ''} />
    </>
  );
}

/** Draws what a video shows; whether there was anything. */
function keepFrame(video: HTMLVideoElement | undefined, canvas: HTMLCanvasElement | null): boolean {
  if (!video || !canvas || video.videoWidth === 0) return false;
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  return true;
}

interface PictureProps {
  track: MediaStreamTrack;
  seen: boolean;
  /** It has a frame. */
  onFrame: () => void;
  onElement: (video: HTMLVideoElement | null) => void;
}

function Picture({ track, seen, onFrame, onElement }: PictureProps) {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    onElement(video);
    video.srcObject = new MediaStream([track]);
    // Refused only where autoplay of muted video is; the browser then shows its own play button.
    video.play().catch(() => undefined);
    return () => {
      onElement(null);
      video.srcObject = null;
    };
  }, [track]);
  return (
    <video
      ref={ref}
      class={seen ? 'seen' : ''}
      aria-label={monitorText('monitor.picture')}
      aria-hidden={!seen}
      data-testid={seen ? 'monitor-video' : undefined}
      muted
      autoplay
      playsInline
      disablePictureInPicture
      onLoadedData={onFrame}
    />
  );
}
