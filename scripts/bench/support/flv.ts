/** The video frames of an FLV file, which may still grow: what an RTMP server has recorded so far (Adobe FLV 10.1, annex E.4). */

export interface FlvFrame {
  timestampMs: number;
  key: boolean;
}

const FILE_HEADER_BYTES = 9;
const TAG_HEADER_BYTES = 11;
/** After each tag, and once after the file's header: the size of the tag before. */
const BACK_POINTER_BYTES = 4;
const VIDEO_TAG = 9;
const KEY_FRAME = 1;
const AVC_NALU = 1;

/** Coded pictures in file order; the decoder's configuration is none. A tag that is not whole yet is left out. */
export function flvFrames(file: Buffer): FlvFrame[] {
  const frames: FlvFrame[] = [];
  let at = FILE_HEADER_BYTES + BACK_POINTER_BYTES;
  while (at + TAG_HEADER_BYTES <= file.length) {
    const size = file.readUIntBE(at + 1, 3);
    const data = at + TAG_HEADER_BYTES;
    if (data + size > file.length) break;
    if (file[at] === VIDEO_TAG && size >= 2 && file[data + 1] === AVC_NALU) {
      const timestampMs = file.readUIntBE(at + 4, 3) + (file[at + 7] ?? 0) * 2 ** 24;
      frames.push({ timestampMs, key: (file[data] ?? 0) >> 4 === KEY_FRAME });
    }
    at = data + size + BACK_POINTER_BYTES;
  }
  return frames;
}
