/** The page's video elements by the track that they show, so that whoever needs a track's picture takes it from there, without decoding it again. */

const shown = new Map<MediaStreamTrack, Set<HTMLVideoElement>>();

/** An element shows this track from now on, until the returned function is called. */
export function showsTrack(track: MediaStreamTrack, video: HTMLVideoElement): () => void {
  const videos = shown.get(track) ?? new Set();
  shown.set(track, videos.add(video));
  return () => {
    videos.delete(video);
    if (videos.size === 0 && shown.get(track) === videos) shown.delete(track);
  };
}

/** One that has a picture of the track right now. */
export function pictureOf(track: MediaStreamTrack): HTMLVideoElement | undefined {
  return [...(shown.get(track) ?? [])].find(
    (video) => video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && video.videoWidth > 0,
  );
}
