/**
 * Scales one source for one tile: into the canvas itself, or into a sprite of its own that is laid over what is below. libswscale
 * writes through plane pointers, so a `subarray` of the canvas planes is the cell itself, and a `subarray` of the picture's
 * planes is the crop. Two copies are worth their price:
 * - The picture is first copied into a frame that stays. Asking each new frame for its planes makes Buffers that V8 counts
 *   as memory of ours, and it then collects garbage 2 to 3 times a second: that cost a tenth of a core with four cameras,
 *   the copies a hundredth. It is also what is left to show of a source that has gone.
 * - libswscale's SIMD writes whole vectors past a width that is no multiple of 32 (seen: up to 12 samples), which would be
 *   the neighbour's cell; such a cell is scaled into a padded sprite, and that is copied.
 * A new size needs a new context of libswscale: 0.1 ms, less than any resampling of ours, so that tiles that move have one each
 * frame.
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
import { emptySprite } from './sprites.ts';

/** A cell of a multiple of this many luma samples is written without spilling (16 of chroma: one SSE vector). */
const SPILL_FREE_WIDTH = 32;

/** Planes to scale from. */
interface Source extends Sprite {
  format: number;
}

export class CellScaler {
  #frame: Frame | null = null;
  #held: Source | null = null;
  #source: Source | null = null;
  #key = '';
  #scaler: SoftwareScaleContext | null = null;
  #placement: Placement | null = null;
  #scratch: Sprite | null = null;

  /** Whether a picture was taken and is kept. */
  get holds(): boolean {
    return this.#held !== null;
  }

  /** Where the source lands, in canvas pixels, after `place`. */
  get target(): Cell {
    if (!this.#placement) throw new Error('no place yet');
    return this.#placement.target;
  }

  /** What `scale` has made; as large as `target`. */
  get sprite(): Sprite {
    if (!this.#scratch) throw new Error('nothing scaled yet');
    return this.#scratch;
  }

  /** Takes a copy of a picture; from now on it is what is scaled. */
  take(frame: Frame): void {
    // Full range in, limited range out: libswscale converts when the format's name says so.
    const format = frame.colorRange === AVCOL_RANGE_JPEG ? AV_PIX_FMT_YUVJ420P : frame.format;
    const { width, height } = frame;
    const same = this.#frame?.width === width && this.#frame.height === height && this.#frame.format === frame.format;
    if (!this.#frame || !same) {
      this.#frame?.free();
      this.#frame = new Frame();
      this.#frame.alloc();
      this.#frame.width = width;
      this.#frame.height = height;
      this.#frame.format = frame.format;
      FFmpegError.throwIfError(this.#frame.getBuffer(), 'source picture');
      const [planes, strides] = planesOf(this.#frame);
      this.#held = { width, height, planes, strides, format };
    } else if (this.#held) this.#held.format = format;
    FFmpegError.throwIfError(this.#frame.copy(frame), 'source picture');
    this.#source = this.#held;
  }

  /** A card is what is scaled. */
  takeCard(card: Sprite): void {
    if (this.#source?.planes !== card.planes) this.#source = { ...card, format: AV_PIX_FMT_YUV420P };
  }

  /** Sets up for the source that was taken and this cell. */
  place(cell: Cell, fit: Fit): void {
    if (!this.#source) throw new Error('nothing to scale');
    const { width, height, format } = this.#source;
    this.#placement = place(fit, width, height, cell);
    const { source, target } = this.#placement;
    const flags = flagsFor(this.#placement, fit);
    const key = [source.width, source.height, format, target.width, target.height, flags].join();
    if (key === this.#key) return;
    this.#scaler?.freeContext();
    this.#scaler = new SoftwareScaleContext();
    this.#scaler.getContext(
      source.width,
      source.height,
      format as typeof AV_PIX_FMT_YUV420P,
      target.width,
      target.height,
      AV_PIX_FMT_YUV420P,
      flags,
    );
    this.#key = key;
  }

  /** Scales on the thread pool straight into the canvas. After `place`. */
  async scaleInto(canvas: Canvas): Promise<void> {
    const { target } = this;
    if (target.width % SPILL_FREE_WIDTH === 0) {
      await this.#scale(canvas.planesAt(target.x, target.y), canvas.strides);
      return;
    }
    await this.scale();
    canvas.blit(this.sprite, target.x, target.y);
  }

  /** Scales on the thread pool into `sprite`. After `place`. */
  async scale(): Promise<void> {
    const { width, height } = this.target;
    const scratch = this.#scratch;
    if (!scratch || scratch.width !== width || scratch.height !== height) {
      this.#scratch = emptySprite(width, height, scratch?.planes);
    }
    const { planes, strides } = this.sprite;
    await this.#scale(planes, strides);
  }

  async #scale(to: Sprite['planes'], strides: Sprite['strides']): Promise<void> {
    if (!this.#scaler || !this.#placement || !this.#source) throw new Error('scale before place');
    const { source } = this.#placement;
    const { planes, strides: from } = this.#source;
    const [luma, cb, cr] = planes;
    const crop = [
      luma.subarray(source.y * from[0] + source.x),
      cb.subarray((source.y >> 1) * from[1] + (source.x >> 1)),
      cr.subarray((source.y >> 1) * from[2] + (source.x >> 1)),
    ];
    const { target } = this.#placement;
    const copies = source.width === target.width && source.height === target.height;
    // A copy takes 20 µs; to have it done on the thread pool takes 35 µs of CPU.
    const rows = copies
      ? this.#scaler.scaleSync(crop, [...from], 0, source.height, [...to], [...strides])
      : await this.#scaler.scale(crop, [...from], 0, source.height, [...to], [...strides]);
    FFmpegError.throwIfError(rows, 'scale');
  }

  /** Not while it scales. */
  close(): void {
    this.#scaler?.freeContext();
    this.#frame?.free();
    this.#scaler = null;
    this.#frame = null;
    this.#held = null;
    this.#source = null;
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
