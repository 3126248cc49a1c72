/** An uploaded file → an image that a stage can draw. Next: compose/Stage.ts. */
import { Worker } from 'node:worker_threads';
import type { ImageBox, ProgramImage } from '../compose/images.ts';
import { BadImage, decodedSize, imageHeader } from './imageSize.ts';
import type { ImageTask } from './imageWorker.ts';

/** The largest photograph takes half a second on a busy machine; what takes this long never comes to an end. */
const DECODE_TIMEOUT_MS = 10_000;

/** As large as it needs to be to cover `box`. @throws BadImage */
export async function decodeImage(bytes: Buffer, box: ImageBox, timeoutMs = DECODE_TIMEOUT_MS): Promise<ProgramImage> {
  const header = imageHeader(bytes);
  const size = decodedSize(header, box);
  const task: ImageTask = { bytes, ...size, vector: header.kind === 'svg' };
  const worker = new Worker(new URL('./imageWorker.ts', import.meta.url), { workerData: task });
  let timer: NodeJS.Timeout | undefined;
  try {
    const pixels = await new Promise<Uint8ClampedArray>((resolve, reject) => {
      timer = setTimeout(() => reject(new BadImage('decoding takes too long')), timeoutMs);
      worker.once('message', resolve);
      worker.once('error', (error) => reject(new BadImage('cannot be decoded', { cause: error })));
      worker.once('exit', () => reject(new BadImage('decoding came to no end')));
    });
    if (pixels.length !== size.width * size.height * 4) throw new BadImage('decoded to another size');
    return { ...size, pixels };
  } finally {
    clearTimeout(timer);
    void worker.terminate();
  }
}
