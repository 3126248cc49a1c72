import type { EncodedFrame, VideoCodec } from './clip/makeClip.ts';
import { numberPicture, payloadsOf } from './packetize.ts';
import { type PacketSender, RtpStream } from './RtpStream.ts';

/**
 * One simulcast layer: plays the clip's frames in order. Asked for a key frame, it goes on in the first copy that has one; the
 * pictures and their counter run on undisturbed.
 */
export class LayerPlayer {
  readonly stream: RtpStream;
  keyFrameRequests = 0;
  keyFrames = 0;
  readonly #codec: VideoCodec;
  readonly #copies: readonly EncodedFrame[][];
  #copy = 0;
  #wanted = true;
  #pictureId = Math.floor(Math.random() * 0x8000);

  constructor(codec: VideoCodec, copies: readonly EncodedFrame[][], payloadType: number, loss = 0) {
    this.#codec = codec;
    this.#copies = copies;
    this.stream = new RtpStream(payloadType, 90_000, loss);
  }

  requestKeyFrame(): void {
    this.keyFrameRequests++;
    this.#wanted = true;
  }

  /** What to send of frame `index` of the clip; nothing until the first key frame. */
  frame(index: number): ((sender: PacketSender, captureMs: number) => void)[] {
    if (this.#wanted) {
      const copy = this.#copies.findIndex((frames) => frames[index % frames.length]?.key);
      if (copy >= 0) {
        this.#copy = copy;
        this.#wanted = false;
      } else if (this.keyFrames === 0) return [];
    }
    const frames = this.#copies[this.#copy];
    const frame = frames?.[index % frames.length];
    if (!frame) return [];
    if (frame.key) this.keyFrames++;
    this.#pictureId = (this.#pictureId + 1) & 0x7fff;
    const pictureId = this.#pictureId;
    const payloads = payloadsOf(this.#codec, frame);
    return payloads.map((payload, i) => (sender, captureMs) => {
      // The payloads are shared by all who play this clip: the id is written right before encryption copies them.
      numberPicture(this.#codec, payload, pictureId);
      this.stream.send(sender, payload, captureMs, i === payloads.length - 1);
    });
  }
}
