/** Samples → Opus packets of 20 ms, as a browser sends them. */
import {
  AV_CHANNEL_LAYOUT_STEREO,
  AV_SAMPLE_FMT_FLT,
  Codec,
  CodecContext,
  Dictionary,
  FF_ENCODER_LIBOPUS,
  FFmpegError,
  Frame,
  Packet,
  Rational,
} from 'node-av';

export const OPUS_FRAME_SAMPLES = 960;

/** Of libopus, as a browser sets them when it hears of `lossPercent` of loss. */
export const withFec = (lossPercent: number): Record<string, string> => ({
  application: 'voip',
  fec: '1',
  packet_loss: String(lossPercent),
});

/**
 * Packet k's RTP timestamp is `k × OPUS_FRAME_SAMPLES`. Both channels alike; 48 kbit/s is about what browsers use. `options`: of FFmpeg's
 * libopus.
 */
export async function encodeOpus(
  mono: Float32Array,
  bitrate = 48_000,
  options: Record<string, string> = {},
): Promise<Buffer[]> {
  const codec = Codec.findEncoderByName(FF_ENCODER_LIBOPUS);
  if (!codec) throw new Error('no Opus encoder');
  const context = new CodecContext();
  context.allocContext3(codec);
  context.sampleRate = 48_000;
  context.sampleFormat = AV_SAMPLE_FMT_FLT;
  context.channelLayout = AV_CHANNEL_LAYOUT_STEREO;
  context.timeBase = new Rational(1, 48_000);
  context.bitRate = BigInt(bitrate);
  FFmpegError.throwIfError(await context.open2(codec, Dictionary.fromObject(options)), 'open libopus');
  const frame = new Frame();
  frame.alloc();
  frame.nbSamples = OPUS_FRAME_SAMPLES;
  frame.format = AV_SAMPLE_FMT_FLT;
  frame.sampleRate = 48_000;
  frame.channelLayout = AV_CHANNEL_LAYOUT_STEREO;
  FFmpegError.throwIfError(frame.getBuffer(), 'audio frame');
  const packets: Buffer[] = [];
  const packet = new Packet();
  packet.alloc();
  const block = new Float32Array(2 * OPUS_FRAME_SAMPLES);
  for (let at = 0; at + OPUS_FRAME_SAMPLES <= mono.length; at += OPUS_FRAME_SAMPLES) {
    for (let i = 0; i < OPUS_FRAME_SAMPLES; i++) block[2 * i] = block[2 * i + 1] = mono[at + i] ?? 0;
    FFmpegError.throwIfError(frame.makeWritable(), 'audio frame');
    frame.data?.[0]?.set(new Uint8Array(block.buffer));
    frame.pts = BigInt(at);
    FFmpegError.throwIfError(context.sendFrameSync(frame), 'encode');
    while (context.receivePacketSync(packet) >= 0) {
      packets.push(Buffer.from(packet.data ?? []));
      packet.unref();
    }
  }
  packet.free();
  frame.free();
  context.freeContext();
  return packets;
}
