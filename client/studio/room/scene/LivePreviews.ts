/**
 * The layout picker's pictures, alive. In: canvases with what each is to show, and the videos that the page plays already: nothing is decoded
 * a second time. Out: all of them painted a few times a second, of one small copy of each video.
 *
 * They stand still where nobody sees them, and for who wants less movement or less data: then they are painted when something changes.
 */
import { type Picture, type PreviewSpec, paintPreview } from './paintPreview.ts';

/** Between two paintings, ms: enough to see who moves. */
const EVERY_MS = 333;
/** On a machine that is slow at it, no more than this part of the time: the call itself comes first. */
const MOST_OF_THE_TIME = 0.05;
/** One painting that was held up says nothing of the next: no longer than this between two, ms. */
const LONGEST_MS = 2_000;
/** Longer side of the copy of a video, pixels: as large as the widest preview is painted. */
const COPY = 240;

export interface LivePreviewsOptions {
  /** The video element that shows this source right now; undefined: none has a picture. */
  videoOf: (source: string) => HTMLVideoElement | undefined;
  /** An image of the scene; rejects when the server does not give it. */
  assetOf: (id: string) => Promise<Blob>;
}

interface Shown {
  spec: PreviewSpec | undefined;
  visible: boolean;
  /** It is to be painted also while nothing moves. */
  stale: boolean;
}

export class LivePreviews {
  readonly #options: LivePreviewsOptions;
  readonly #canvases = new Map<HTMLCanvasElement, Shown>();
  readonly #copies = new Map<string, HTMLCanvasElement>();
  readonly #assets = new Map<string, HTMLImageElement>();
  readonly #less = matchMedia('(prefers-reduced-motion: reduce)');
  readonly #observer: IntersectionObserver;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Which sources had a picture when it was last painted. */
  #had = '';
  #frame = 0;
  /** Not before this, on the page's clock, ms. */
  #notBefore = 0;

  constructor(options: LivePreviewsOptions) {
    this.#options = options;
    this.#observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const shown = this.#canvases.get(target as HTMLCanvasElement);
        if (shown) Object.assign(shown, { visible: isIntersecting, stale: true });
      }
    });
    this.#timer = setInterval(() => this.#tick(), EVERY_MS);
  }

  add(canvas: HTMLCanvasElement): void {
    this.#canvases.set(canvas, { spec: undefined, visible: false, stale: true });
    this.#observer.observe(canvas);
  }

  show(canvas: HTMLCanvasElement, spec: PreviewSpec): void {
    const shown = this.#canvases.get(canvas);
    if (shown) Object.assign(shown, { spec, stale: true });
  }

  remove(canvas: HTMLCanvasElement): void {
    this.#observer.unobserve(canvas);
    this.#canvases.delete(canvas);
  }

  close(): void {
    clearInterval(this.#timer);
    cancelAnimationFrame(this.#frame);
    this.#observer.disconnect();
    this.#canvases.clear();
  }

  /** Network Information API; not in every browser. */
  get #still(): boolean {
    const { connection } = navigator as Navigator & { connection?: { saveData?: boolean } };
    return this.#less.matches || connection?.saveData === true;
  }

  #tick(): void {
    if (document.hidden || this.#frame !== 0 || performance.now() < this.#notBefore) return;
    const seen = [...this.#canvases].filter(([, { visible, spec }]) => visible && spec);
    if (seen.length === 0) return;
    const sources = new Set(seen.flatMap(([, { spec }]) => spec?.tiles.flatMap(({ source }) => source ?? []) ?? []));
    const has = [...sources].filter((source) => this.#options.videoOf(source)).join();
    const moves = !this.#still || has !== this.#had;
    this.#had = has;
    const due = moves ? seen : seen.filter(([, { stale }]) => stale);
    if (due.length === 0) return;
    // With the browser's own painting: a canvas that changes between two frames is composed twice.
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      const began = performance.now();
      for (const source of sources) this.#copy(source);
      for (const [canvas, shown] of due) this.#paint(canvas, shown);
      const took = performance.now() - began;
      this.#notBefore = began + Math.min(LONGEST_MS, took / MOST_OF_THE_TIME);
    });
  }

  #copy(source: string): void {
    const video = this.#options.videoOf(source);
    if (!video) {
      this.#copies.delete(source);
      return;
    }
    const canvas = this.#copies.get(source) ?? document.createElement('canvas');
    this.#copies.set(source, canvas);
    const scale = Math.min(1, COPY / Math.max(video.videoWidth, video.videoHeight));
    const width = Math.max(1, Math.round(video.videoWidth * scale));
    const height = Math.max(1, Math.round(video.videoHeight * scale));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    canvas.getContext('2d', { alpha: false })?.drawImage(video, 0, 0, width, height);
  }

  #paint(canvas: HTMLCanvasElement, shown: Shown): void {
    const { spec } = shown;
    const width = Math.min(COPY, Math.round(canvas.clientWidth * devicePixelRatio));
    if (!spec || width === 0) return;
    const height = Math.round((width * spec.size.height) / spec.size.width);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    shown.stale = false;
    paintPreview(canvas, spec, {
      source: (id) => pictureOf(this.#copies.get(id)),
      asset: (id) => this.#asset(id),
    });
  }

  /** Loaded when it is first asked for; every canvas is painted again when it is there. What cannot be had is left out. */
  #asset(id: string): Picture | undefined {
    const known = this.#assets.get(id);
    if (known) return known.complete && known.naturalWidth > 0 ? imageOf(known) : undefined;
    const image = new Image();
    this.#assets.set(id, image);
    void this.#load(id, image);
    return undefined;
  }

  async #load(id: string, image: HTMLImageElement): Promise<void> {
    const blob = await this.#options.assetOf(id).catch(() => undefined);
    if (!blob) return;
    const url = URL.createObjectURL(blob);
    image.src = url;
    await image.decode().catch(() => undefined);
    URL.revokeObjectURL(url);
    for (const shown of this.#canvases.values()) shown.stale = true;
  }
}

const pictureOf = (copy: HTMLCanvasElement | undefined): Picture | undefined =>
  copy && { image: copy, width: copy.width, height: copy.height };
const imageOf = (image: HTMLImageElement): Picture => ({
  image,
  width: image.naturalWidth,
  height: image.naturalHeight,
});
