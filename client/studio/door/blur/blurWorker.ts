/**
 * Blurs what is not a person, picture by picture. In: a camera's frames. Out: frames of the same size and time. The model is MediaPipe's selfie
 * segmentation (Apache-2.0), which its npm package brings along; it looks at a small copy of the picture (next: BlurPainter.ts).
 */
import squareUrl from '@mediapipe/selfie_segmentation/selfie_segmentation.tflite?url';
import wideUrl from '@mediapipe/selfie_segmentation/selfie_segmentation_landscape.tflite?url';
import { ImageSegmenter } from '@mediapipe/tasks-vision';
import loaderUrl from '@mediapipe/tasks-vision/vision_wasm_module_internal.js?url';
import wasmUrl from '@mediapipe/tasks-vision/vision_wasm_module_internal.wasm?url';
import { BlurPainter } from './BlurPainter.ts';
import type { BlurBegin, BlurSays } from './messages.ts';
import { ROUND_MS } from './pace.ts';
import { withMetadata } from './withMetadata.ts';

const say = (message: BlurSays): void => postMessage(message);

async function createSegmenter(modelUrl: string): Promise<ImageSegmenter> {
  const model = await fetch(modelUrl);
  if (!model.ok) throw new Error(`the model cannot be loaded: ${model.status}`);
  return ImageSegmenter.createFromOptions(
    { wasmLoaderPath: loaderUrl, wasmBinaryPath: wasmUrl },
    {
      baseOptions: { modelAssetBuffer: withMetadata(new Uint8Array(await model.arrayBuffer())), delegate: 'CPU' },
      runningMode: 'VIDEO',
      outputConfidenceMasks: true,
      outputCategoryMask: false,
    },
  );
}

class Blurring {
  readonly #segmenter: ImageSegmenter;
  readonly #painter: BlurPainter;
  readonly #firstUs: number;

  private constructor(segmenter: ImageSegmenter, painter: BlurPainter, firstUs: number) {
    this.#segmenter = segmenter;
    this.#painter = painter;
    this.#firstUs = firstUs;
  }

  static async of(frame: VideoFrame): Promise<Blurring> {
    const painter = new BlurPainter(frame.displayWidth, frame.displayHeight);
    return new Blurring(await createSegmenter(painter.wide ? wideUrl : squareUrl), painter, frame.timestamp);
  }

  blur(frame: VideoFrame): VideoFrame {
    // The model wants milliseconds that grow.
    const atMs = (frame.timestamp - this.#firstUs) / 1_000 + 1;
    const result = this.#segmenter.segmentForVideo(this.#painter.shrink(frame), atMs);
    const output = this.#painter.paint(frame, result.confidenceMasks?.at(-1)?.getAsFloat32Array());
    result.close();
    return output;
  }
}

async function run({ frames, blurred }: BlurBegin): Promise<void> {
  const reader = frames.getReader();
  const writer = blurred.getWriter();
  let blurring: Blurring | undefined;
  let round = { pictures: 0, busyMs: 0, since: performance.now() };
  for (let ready = false; ; ready = true) {
    const { value: frame, done } = await reader.read();
    if (done) return;
    try {
      blurring ??= await Blurring.of(frame);
      const begun = performance.now();
      const picture = blurring.blur(frame);
      const busyMs = performance.now() - begun;
      // Whoever shows and sends the pictures may be slow for other reasons.
      await writer.write(picture);
      const now = performance.now();
      if (!ready) {
        // The first picture takes what the model needs to come up: that is nobody's pace.
        say({ type: 'ready' });
        round.since = now;
        continue;
      }
      round.pictures++;
      round.busyMs += busyMs;
      if (now - round.since < ROUND_MS) continue;
      say({ type: 'round', averageMs: round.busyMs / round.pictures, pictures: round.pictures });
      round = { pictures: 0, busyMs: 0, since: now };
    } finally {
      frame.close();
    }
  }
}

addEventListener('message', ({ data }: MessageEvent<BlurBegin>) => {
  run(data).catch((error: unknown) =>
    say({ type: 'failed', reason: error instanceof Error ? error.message : String(error) }),
  );
});
