/**
 * Draws one source into one cell of the canvas. libswscale writes through plane pointers, so a `subarray` of the canvas
 * planes is the cell itself, and a `subarray` of the picture's planes is the crop. Two copies are worth their price:
 * - The picture is first copied into a frame that stays. Asking each new frame for its planes makes Buffers that V8 counts
 *   as memory of ours, and it then collects garbage 2 to 3 times a second: that cost a tenth of a core with four cameras,
 *   the copies a hundredth.
 * - libswscale's SIMD writes whole vectors past a width that is no multiple of 32 (seen: up to 12 samples), which would be
 *   the neighbour's cell; such a cell is scaled into a padded sprite, and that is copied.
 */
import {
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  AVCOL_RANGE_JPEG,
  FFmpegError,
  Frame,
  SoftwareScaleContext,
  SWS_AREA,
  SWS_BICUBIC,
  SWS_BILINEAR,
  type SwsFlags,
} from 'node-av';
import type { Fit } from '../../src/contracts/scene.ts';
import { type Cell, type Placement, place } from '../../src/layout/grid.ts';
import { type Canvas, planesOf, type Sprite } from './Canvas.ts';
import { emptySprite } from './cards.ts';

/** A cell of a multiple of this many luma samples is written without spilling (16 of chroma: one SSE vector). */
const SPILL_FREE_WIDTH = 32;

export class CellScaler {
  #key = '';
  #scaler: SoftwareScaleContext | null = null;
  #source: Frame | null = null;
  #planes: ReturnType<typeof planesOf> | null = null;
  #scratch: Sprite | null = null;
  #placement: Placement | null = null;

  /** Where the picture lands, in canvas pixels; null before the first draw. */
  get target(): Cell | null {
    return this.#placement?.target ?? null;
  }

  /** Sets up for this picture and cell; answers whether it is another placement than the last one. */
  prepare(frame: Frame, cell: Cell, fit: Fit): boolean {
    // Full range in, limited range out: libswscale converts when the format's name says so.
    const format = frame.colorRange === AVCOL_RANGE_JPEG ? AV_PIX_FMT_YUVJ420P : frame.format;
    const key = [frame.width, frame.height, format, cell.x, cell.y, cell.width, cell.height, fit].join();
    if (key === this.#key) return false;
    this.close();
    this.#placement = place(fit, frame.width, frame.height, cell);
    const { source, target } = this.#placement;
    this.#source = new Frame();
    this.#source.alloc();
    this.#source.width = frame.width;
    this.#source.height = frame.height;
    this.#source.format = frame.format;
    FFmpegError.throwIfError(this.#source.getBuffer(), 'source picture');
    this.#planes = planesOf(this.#source);
    this.#scaler = new SoftwareScaleContext();
    this.#scaler.getContext(
      source.width,
      source.height,
      format as typeof AV_PIX_FMT_YUV420P,
      target.width,
      target.height,
      AV_PIX_FMT_YUV420P,
      flagsFor(this.#placement, fit),
    );
    this.#scratch = target.width % SPILL_FREE_WIDTH === 0 ? null : emptySprite(target.width, target.height);
    this.#key = key;
    return true;
  }

  /** Scales on the thread pool. After `prepare`. */
  async draw(frame: Frame, canvas: Canvas): Promise<void> {
    if (!this.#scaler || !this.#placement || !this.#source || !this.#planes) throw new Error('draw before prepare');
    FFmpegError.throwIfError(this.#source.copy(frame), 'source picture');
    const { source, target } = this.#placement;
    const [[luma, cb, cr], strides] = this.#planes;
    const from = [
      luma.subarray(source.y * strides[0] + source.x),
      cb.subarray((source.y >> 1) * strides[1] + (source.x >> 1)),
      cr.subarray((source.y >> 1) * strides[2] + (source.x >> 1)),
    ];
    const to = this.#scratch?.planes ?? canvas.planesAt(target.x, target.y);
    const toStrides = this.#scratch?.strides ?? canvas.strides;
    const rows = await this.#scaler.scale(from, [...strides], 0, source.height, [...to], [...toStrides]);
    FFmpegError.throwIfError(rows, 'scale');
    if (this.#scratch) canvas.blit(this.#scratch, target.x, target.y);
  }

  /** Not while `draw` runs. */
  close(): void {
    this.#scaler?.freeContext();
    this.#source?.free();
    this.#scaler = null;
    this.#source = null;
    this.#planes = null;
    this.#scratch = null;
    this.#placement = null;
    this.#key = '';
  }
}

/** Smaller: area average, sharp without moiré and cheap. Larger: text wants bicubic, faces do not need it. */
function flagsFor({ source, target }: Placement, fit: Fit): SwsFlags {
  if (target.width < source.width) return SWS_AREA;
  return fit === 'contain' ? SWS_BICUBIC : SWS_BILINEAR;
}
