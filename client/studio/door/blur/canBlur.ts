/** Insertable streams (MediaStreamTrack Insertable Media Processing using Streams); not in TypeScript's library. Chromium has both on the page. */
export interface InsertableStreams {
  MediaStreamTrackProcessor?: new (init: { track: MediaStreamTrack }) => { readable: ReadableStream<VideoFrame> };
  MediaStreamTrackGenerator?: new (init: {
    kind: 'video';
  }) => MediaStreamTrack & { writable: WritableStream<VideoFrame> };
}

/** This browser lets a page hand a camera's pictures to a worker. */
export function canBlur(): boolean {
  const { MediaStreamTrackProcessor, MediaStreamTrackGenerator } = globalThis as InsertableStreams;
  return Boolean(MediaStreamTrackProcessor && MediaStreamTrackGenerator);
}
