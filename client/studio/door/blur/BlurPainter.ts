/** Paints a picture whose background is blurred. In: a frame, and for each pixel of the model's picture how much it is a person. Out: a frame. */

/** What the two models look at, pixels. */
const LANDSCAPE = { width: 256, height: 144 };
const SQUARE = { width: 256, height: 256 };
/** The background is painted this much smaller: most of a blur is free that way. */
const BACKGROUND_SCALE = 8;
/** And blurred there by this much, pixels of the small picture. */
const BACKGROUND_BLUR = 3;
/** Less is background, more is person; between them the edge is soft. */
const EDGE = { from: 0.3, to: 0.7 };

const canvasOf = (width: number, height: number, willReadFrequently = false) => {
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently });
  if (!context) throw new Error('no canvas to paint on');
  return context;
};

/** Alpha (0 to 255) of a pixel that is a person with this confidence. */
export function alphaOf(confidence: number): number {
  const part = (confidence - EDGE.from) / (EDGE.to - EDGE.from);
  return Math.round(255 * Math.min(1, Math.max(0, part)));
}

export class BlurPainter {
  /** Whether the model for wide pictures fits. */
  readonly wide: boolean;
  readonly #input: OffscreenCanvasRenderingContext2D;
  readonly #mask: OffscreenCanvasRenderingContext2D;
  readonly #alpha: ImageData;
  #output: OffscreenCanvasRenderingContext2D;
  #background: OffscreenCanvasRenderingContext2D;

  constructor(width: number, height: number) {
    this.wide = width > height;
    const size = this.wide ? LANDSCAPE : SQUARE;
    this.#input = canvasOf(size.width, size.height, true);
    this.#mask = canvasOf(size.width, size.height);
    this.#alpha = new ImageData(size.width, size.height);
    [this.#output, this.#background] = this.#canvases(width, height);
  }

  #canvases(width: number, height: number): [OffscreenCanvasRenderingContext2D, OffscreenCanvasRenderingContext2D] {
    const small = (side: number) => Math.max(1, Math.round(side / BACKGROUND_SCALE));
    return [canvasOf(width, height), canvasOf(small(width), small(height))];
  }

  /** The picture as the model wants it. */
  shrink(frame: VideoFrame): OffscreenCanvas {
    const { canvas } = this.#input;
    this.#input.drawImage(frame, 0, 0, canvas.width, canvas.height);
    return canvas;
  }

  /** `person`: confidence from 0 to 1 of each pixel of what `shrink` gave; undefined: all is background. */
  paint(frame: VideoFrame, person: Float32Array | undefined): VideoFrame {
    const { displayWidth: width, displayHeight: height } = frame;
    // A phone was turned.
    if (width !== this.#output.canvas.width || height !== this.#output.canvas.height)
      [this.#output, this.#background] = this.#canvases(width, height);
    const { data } = this.#alpha;
    for (let i = 0; i < data.length / 4; i++) data[i * 4 + 3] = alphaOf(person?.[i] ?? 0);
    this.#mask.putImageData(this.#alpha, 0, 0);

    const small = this.#background;
    small.filter = `blur(${BACKGROUND_BLUR}px)`;
    small.drawImage(frame, 0, 0, small.canvas.width, small.canvas.height);

    const output = this.#output;
    output.globalCompositeOperation = 'copy';
    output.drawImage(this.#mask.canvas, 0, 0, width, height);
    output.globalCompositeOperation = 'source-in';
    output.drawImage(frame, 0, 0, width, height);
    output.globalCompositeOperation = 'destination-over';
    output.drawImage(small.canvas, 0, 0, width, height);
    return new VideoFrame(output.canvas, { timestamp: frame.timestamp, alpha: 'discard' });
  }
}
