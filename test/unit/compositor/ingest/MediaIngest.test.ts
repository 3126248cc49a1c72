import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { MediaIngest } from '../../../../compositor/ingest/MediaIngest.ts';
import type { EncodedAudio } from '../../../../compositor/types.ts';
import { createLogger } from '../../../../src/common/logger.ts';
import type { JobSource, SrtpParameters } from '../../../../src/contracts/job.ts';
import { senderReport } from '../../../support/ingest/packetize.ts';
import { SrtpPeer } from '../../../support/ingest/SrtpPeer.ts';

const logger = createLogger({ level: 'silent' });
const clock = { nowMs: () => performance.now() };
const SOURCE: JobSource = {
  id: 'ptestpeer1.microphone',
  peer: 'ptestpeer1',
  kind: 'microphone',
  mime: 'audio/opus',
  payloadType: 111,
  clockRate: 48_000,
  fmtp: {},
  ssrc: 4711,
  paused: false,
};

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

async function newIngest(portRange: [number, number] = [0, 0]): Promise<MediaIngest> {
  const ingest = await MediaIngest.create({ ip: '127.0.0.1', portRange, clock, logger });
  cleanUps.push(() => ingest.close());
  return ingest;
}

/** The other end of the transport. */
class Sfu {
  readonly socket: Socket;
  readonly srtp: SrtpPeer;
  readonly received: Buffer[] = [];
  readonly #port: number;

  private constructor(socket: Socket, ingest: MediaIngest) {
    this.socket = socket;
    this.srtp = new SrtpPeer(ingest.srtpParameters);
    this.#port = ingest.port;
    socket.on('message', (message) => this.received.push(this.srtp.openRtcp(message)));
  }

  static async create(ingest: MediaIngest): Promise<Sfu> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    cleanUps.push(() => socket.close());
    return new Sfu(socket, ingest);
  }

  get address(): { ip: string; port: number; srtpParameters: SrtpParameters } {
    return { ip: '127.0.0.1', port: this.socket.address().port, srtpParameters: this.srtp.parameters };
  }

  send(datagram: Buffer): void {
    this.socket.send(datagram, this.#port, '127.0.0.1');
  }

  opus(sequence: number, ssrc = SOURCE.ssrc): void {
    const fields = { sequence: sequence & 0xffff, ssrc, timestamp: (sequence * 960) >>> 0, payloadType: 111 };
    this.send(this.srtp.rtp(fields, Buffer.from([0xf8, sequence & 0xff])));
  }

  /** Resolves with the first RTCP packet of this type that comes, or has come. */
  async rtcp(type: number): Promise<Buffer> {
    for (;;) {
      const found = this.received.find((packet) => packet[1] === type);
      if (found) return found;
      await once(this.socket, 'message');
    }
  }
}

async function connected(): Promise<{ ingest: MediaIngest; sfu: Sfu }> {
  const ingest = await newIngest();
  const sfu = await Sfu.create(ingest);
  ingest.connect(sfu.address);
  ingest.setSources([SOURCE]);
  return { ingest, sfu };
}

const nextAudio = (ingest: MediaIngest): Promise<EncodedAudio> =>
  new Promise((resolve) => ingest.once('audio', resolve));

describe('MediaIngest', () => {
  test('binds a free port of the range, another when one is taken, and says so when all are', async () => {
    const first = await newIngest();
    const second = await newIngest();
    await expect(newIngest([first.port, first.port])).rejects.toMatchObject({ code: 'no-capacity' });
    const [low, high] = [first.port, second.port].sort((a, b) => a - b) as [number, number];
    if (high - low < 1_000) {
      const third = await newIngest([low, high + 50]);
      expect([low, high]).not.toContain(third.port);
    }
  });

  test('gives out what a named source sends, and counts the rest', async () => {
    const { ingest, sfu } = await connected();
    const got = nextAudio(ingest);
    const stranger = await Sfu.create(ingest);
    stranger.opus(1);
    sfu.opus(1, 9999);
    sfu.send(Buffer.alloc(200, 0x80));
    sfu.send(Buffer.alloc(3));
    sfu.send(new SrtpPeer().rtp({ sequence: 1, ssrc: SOURCE.ssrc, payloadType: 111 }, Buffer.alloc(20)));
    sfu.send(sfu.srtp.rtp({ sequence: 2, ssrc: SOURCE.ssrc, payloadType: 96 }, Buffer.alloc(20)));
    sfu.opus(3);
    expect(await got).toMatchObject({ source: SOURCE.id, data: Buffer.from([0xf8, 3]), rtp: 3 * 960, lostBefore: 0 });
    expect(ingest.drops()).toMatchObject({ unknownSsrc: 2, unauthentic: 1, malformed: 1 });
    expect(ingest.drops().foreign).toBe(1);
  });

  test('asks again for what is missing, and reports what it received', async () => {
    const { ingest, sfu } = await connected();
    sfu.opus(1);
    await nextAudio(ingest);
    sfu.send(
      sfu.srtp.rtcp(senderReport({ ssrc: SOURCE.ssrc, unixMs: Date.now(), timestamp: 960, packets: 1, octets: 2 })),
    );
    sfu.opus(3);
    const nack = await sfu.rtcp(205);
    expect([nack.readUInt32BE(8), nack.readUInt16BE(12), nack.readUInt16BE(14)]).toEqual([SOURCE.ssrc, 2, 0]);
    const two = nextAudio(ingest);
    sfu.opus(2);
    expect((await two).rtp).toBe(1_920);
    const report = await sfu.rtcp(201);
    expect(report.readUInt32BE(8)).toBe(SOURCE.ssrc);
    expect(ingest.stats()[SOURCE.id]).toMatchObject({ packets: 3, lost: 0, recovered: 1 });
  });

  test('asks for a key frame of a video by PLI, and of an unknown source not at all', async () => {
    const { ingest, sfu } = await connected();
    const camera: JobSource = {
      ...SOURCE,
      id: 'ptestpeer1.camera',
      kind: 'camera',
      mime: 'video/VP8',
      clockRate: 90_000,
      ssrc: 12,
    };
    ingest.setSources([
      SOURCE,
      camera,
      { ...camera, id: 'ptestpeer1.screen', kind: 'screen', mime: 'video/H265', ssrc: 13 },
    ]);
    expect(Object.keys(ingest.stats())).toEqual([SOURCE.id, camera.id]);
    const asked: string[] = [];
    ingest.on('keyframe', (source) => asked.push(source));
    ingest.requestKeyFrame('pnobody000.camera');
    ingest.requestKeyFrame(SOURCE.id);
    ingest.requestKeyFrame(camera.id);
    ingest.requestKeyFrame(camera.id);
    expect(asked).toEqual([camera.id]);
    const pli = await sfu.rtcp(206);
    expect([(pli[0] ?? 0) & 0x1f, pli.readUInt32BE(8)]).toEqual([1, 12]);
  });

  test('goes on undisturbed when other sources come and go, and forgets those that left', async () => {
    const { ingest, sfu } = await connected();
    sfu.opus(1);
    await nextAudio(ingest);
    ingest.setSources([
      { ...SOURCE, paused: true },
      { ...SOURCE, id: 'potherpeer.microphone', peer: 'potherpeer', ssrc: 5 },
    ]);
    sfu.opus(2);
    await nextAudio(ingest);
    expect(ingest.stats()[SOURCE.id]!.packets).toBe(2);
    ingest.setSources([]);
    expect(ingest.stats()).toEqual({});
    expect(ingest.carry()).toEqual({});
  });

  test('a successor starts with the delay and the mapping that it was given', async () => {
    const { ingest, sfu } = await connected();
    sfu.opus(0xffff);
    const before = await nextAudio(ingest);
    const carry = ingest.carry()[SOURCE.id]!;
    expect(carry.rtpToProgram!.atRtp).toBe(before.rtp);
    const successor = await connected();
    const shifted = { atRtp: carry.rtpToProgram!.atRtp, atProgramMs: carry.rtpToProgram!.atProgramMs - 500 };
    successor.ingest.setSources([]);
    successor.ingest.setSources([{ ...SOURCE, carry: { playoutDelayMs: 234, rtpToProgram: shifted, gainDb: 0 } }]);
    successor.sfu.opus(0x1_0000);
    const after = await nextAudio(successor.ingest);
    expect(after.playoutMs - before.playoutMs).toBeCloseTo(20 - 500 + 104, 6);
  });

  test('takes another transport, with another key and address', async () => {
    const { ingest, sfu } = await connected();
    sfu.opus(1);
    await nextAudio(ingest);
    const other = await Sfu.create(ingest);
    ingest.connect(other.address);
    sfu.opus(2);
    const got = nextAudio(ingest);
    other.opus(40_000);
    expect((await got).data[1]).toBe(40_000 & 0xff);
    expect(() => ingest.connect({ ...other.address, ip: 'sfu.example' })).toThrow('no IP address');
    expect(() =>
      ingest.connect({ ...other.address, srtpParameters: { cryptoSuite: 'AEAD_AES_128_GCM', keyBase64: 'short' } }),
    ).toThrow('28 octets');
  });

  test('refuses when closed, and closes once', async () => {
    const { ingest, sfu } = await connected();
    let closed = 0;
    ingest.on('closed', () => closed++);
    ingest.close();
    ingest.close();
    expect(closed).toBe(1);
    expect(() => ingest.connect(sfu.address)).toThrow('closed');
    expect(() => ingest.setSources([])).toThrow('closed');
    ingest.requestKeyFrame(SOURCE.id);
    expect(ingest.stats()).toEqual({});
    // The port is free again.
    await newIngest([ingest.port, ingest.port]);
  });
});
