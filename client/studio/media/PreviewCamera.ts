/** Small pictures of one's own camera, for the hosts while one asks for a seat. In: the camera's track. Out: JPEGs for `seat:preview`. */
import { PREVIEW } from '../../shared/contract.ts';

/** Time between two pictures, ms. */
const EVERY_MS = 2_000;
/** Tried one after the other until the picture is small enough. */
const QUALITIES = [0.7, 0.5, 0.3];

export class PreviewCamera {
  readonly #onPicture: (picture: Uint8Array) => void;
  #video: HTMLVideoElement | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #track: MediaStreamTrack | null = null;

  constructor(onPicture: (picture: Uint8Array) => void) {
    this.#onPicture = onPicture;
  }

  /** Of this track from now on, at once and every 2 s; null: of none. */
  show(track: MediaStreamTrack | null): void {
    if (track === this.#track) return;
    this.close();
    this.#track = track;
    if (!track) return;
    const video = document.createElement('video');
    video.muted = true;
    video.playsInline = true;
    video.srcObject = new MediaStream([track]);
    video.addEventListener('loadeddata', () => void this.#take(video), { once: true });
    video.play().catch(() => undefined);
    this.#video = video;
    this.#timer = setInterval(() => void this.#take(video), EVERY_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#video) this.#video.srcObject = null;
    this.#video = undefined;
    this.#track = null;
  }

  async #take(video: HTMLVideoElement): Promise<void> {
    if (video !== this.#video || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    const canvas = document.createElement('canvas');
    canvas.width = PREVIEW.width;
    canvas.height = PREVIEW.height;
    const { videoWidth, videoHeight } = video;
    // All of it is covered; what does not fit is cut off on both sides, as in the program.
    const scale = Math.max(canvas.width / videoWidth, canvas.height / videoHeight);
    const [width, height] = [videoWidth * scale, videoHeight * scale];
    canvas.getContext('2d')?.drawImage(video, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
    for (const quality of QUALITIES) {
      const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', quality));
      if (!blob || video !== this.#video) return;
      if (blob.size > PREVIEW.maxBytes) continue;
      this.#onPicture(new Uint8Array(await blob.arrayBuffer()));
      return;
    }
  }
}
