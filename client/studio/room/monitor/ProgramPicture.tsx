import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { monitorText } from '../../../shared/monitorTexts.ts';
import type { ProgramTrack } from '../../session/MonitorSession.ts';

interface Props {
  /** The newest is the last; none while there is none. */
  tracks: readonly ProgramTrack[];
  /** Whether the newest track has shown a frame. */
  onPicture: (there: boolean) => void;
}

/**
 * The program's picture over changes of the compositor that sends it: the last frame stands until the next stream has its first.
 */
export function ProgramPicture({ tracks, onPicture }: Props) {
  /** The one that is seen. */
  const seen = useSignal<ProgramTrack | null>(null);
  const newest = tracks.at(-1) ?? null;
  const isThere = newest !== null && seen.value?.consumerId === newest.consumerId;
  useEffect(() => onPicture(isThere), [isThere]);
  const older = seen.value && seen.value.consumerId !== newest?.consumerId ? [seen.value] : [];
  return (
    <>
      {[...older, ...(newest ? [newest] : [])].map((track) => (
        <Picture
          key={track.consumerId}
          track={track.track}
          seen={track.consumerId === seen.value?.consumerId}
          onFrame={() => {
            seen.value = track;
          }}
        />
      ))}
    </>
  );
}

interface PictureProps {
  track: MediaStreamTrack;
  seen: boolean;
  /** It has a frame. */
  onFrame: () => void;
}

function Picture({ track, seen, onFrame }: PictureProps) {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    video.srcObject = new MediaStream([track]);
    // Refused only where autoplay of muted video is; the browser then shows its own play button.
    video.play().catch(() => undefined);
    return () => {
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
