import { useEffect, useRef } from 'preact/hooks';
import { showsTrack } from './shownVideos.ts';

interface Props {
  track: MediaStreamTrack;
  label: string;
  /** As in a mirror: how people know their own face. */
  mirrored?: boolean;
  contain?: boolean;
  /** The size at which the video is seen changed, CSS pixels. */
  onSize?: (width: number, height: number) => void;
}

/** A video that shows one track, without its sound. */
export function TrackVideo({ track, label, mirrored = false, contain = false, onSize }: Props) {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    video.srcObject = new MediaStream([track]);
    // Refused only where autoplay of muted video is; the browser then shows its own play button.
    video.play().catch(() => undefined);
    const forget = showsTrack(track, video);
    return () => {
      forget();
      video.srcObject = null;
    };
  }, [track]);
  useEffect(() => {
    const video = ref.current;
    if (!video || !onSize) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) onSize(entry.contentRect.width, entry.contentRect.height);
    });
    observer.observe(video);
    return () => observer.disconnect();
  }, [onSize]);
  return (
    <video
      ref={ref}
      class={`track ${mirrored ? 'mirrored' : ''} ${contain ? 'contain' : ''}`}
      aria-label={label}
      muted
      autoplay
      playsInline
      disablePictureInPicture
    />
  );
}
