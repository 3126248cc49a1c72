/** What the door decides: what is asked of the browser, what follows a device that goes, and what a network test means. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ByteBuffer } from 'flatbuffers';
import { describe, expect, test } from 'vitest';
import { alphaOf } from '../../../client/studio/door/blur/BlurPainter.ts';
import { Pace } from '../../../client/studio/door/blur/pace.ts';
import { withMetadata } from '../../../client/studio/door/blur/withMetadata.ts';
import { sentHeight } from '../../../client/studio/door/network/sending.ts';
import { rateBetween } from '../../../client/studio/door/network/UploadMeter.ts';
import { type Findings, verdictOf } from '../../../client/studio/door/network/verdict.ts';
import type { DeviceLists } from '../../../client/studio/media/capture.ts';
import { cameraConstraints, microphoneConstraints } from '../../../client/studio/media/constraints.ts';
import { DeviceFollower } from '../../../client/studio/media/DeviceFollower.ts';
import type { Kind } from '../../../client/studio/media/LocalMedia.ts';
import { MediaSettings } from '../../../client/studio/media/MediaSettings.ts';

describe('what is asked of the browser', () => {
  test('echo cancellation, noise suppression and gain control, unless they are turned off', () => {
    const { processing } = new MediaSettings();
    expect(microphoneConstraints({ deviceId: '', processing: processing.value, music: false })).toEqual({
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
    });
    const off = microphoneConstraints({
      deviceId: 'm1',
      processing: { echo: true, noise: false, gain: true },
      music: false,
    });
    expect(off).toMatchObject({ noiseSuppression: false, deviceId: { exact: 'm1' } });
  });

  test('music mode: nothing is taken out, in stereo, whatever the switches say; they are as they were after it', () => {
    const settings = new MediaSettings();
    settings.set('music', true);
    const { processing } = settings;
    const wish = microphoneConstraints({ deviceId: '', processing: processing.value, music: settings.music.value });
    expect(wish).toEqual({
      ...{ echoCancellation: false, noiseSuppression: false, autoGainControl: false },
      channelCount: { ideal: 2 },
    });
    settings.set('music', false);
    expect(processing.value).toEqual({ echo: true, noise: true, gain: true });
  });

  test('the size that was chosen, and front or back unless a camera was', () => {
    expect(cameraConstraints({ deviceId: '', quality: 360, facing: 'environment' })).toMatchObject({
      ...{ width: { ideal: 640 }, height: { ideal: 360 } },
      facingMode: { ideal: 'environment' },
    });
    const chosen = cameraConstraints({ deviceId: 'c1', quality: 1080, facing: 'user' });
    expect(chosen).toMatchObject({ width: { ideal: 1920 }, height: { ideal: 1080 }, deviceId: { exact: 'c1' } });
    expect(chosen).not.toHaveProperty('facingMode');
  });
});

/** Devices that are plugged in and out, and which one of each kind is open. */
class Desk {
  readonly plugged: Record<Kind, string[]> = { camera: [], microphone: [] };
  readonly open: Partial<Record<Kind, string>> = {};
  readonly lost: string[] = [];
  wanted = true;
  readonly follower = new DeviceFollower({
    lists: async (): Promise<DeviceLists> => ({
      cameras: this.plugged.camera.map((id) => ({ id, label: id })),
      microphones: this.plugged.microphone.map((id) => ({ id, label: id })),
      speakers: [],
    }),
    wanted: () => this.wanted,
    has: (kind) => this.open[kind] !== undefined,
    start: async (kind, deviceId) => {
      const device = this.plugged[kind].find((id) => deviceId === '' || id === deviceId);
      if (device) this.open[kind] = device;
      return device;
    },
    lost: (label) => this.lost.push(label),
  });

  async unplug(kind: Kind, id: string): Promise<void> {
    this.plugged[kind] = this.plugged[kind].filter((other) => other !== id);
    const used = this.open[kind] === id;
    if (used) delete this.open[kind];
    await Promise.all([used ? this.follower.ended(kind, { id, label: id }) : undefined, this.follower.changed()]);
  }

  async plug(kind: Kind, id: string): Promise<void> {
    this.plugged[kind].push(id);
    await this.follower.changed();
  }
}

describe('a device that is unplugged', () => {
  test('another one of its kind takes over, and it is used again when it is back', async () => {
    const desk = new Desk();
    desk.plugged.microphone = ['headset', 'laptop'];
    desk.open.microphone = 'headset';
    await desk.unplug('microphone', 'headset');
    expect(desk.open.microphone).toBe('laptop');
    expect(desk.follower.news.value).toEqual({
      code: 'replaced',
      kind: 'microphone',
      label: 'laptop',
      lost: 'headset',
    });
    await desk.plug('microphone', 'headset');
    expect(desk.open.microphone).toBe('headset');
    expect(desk.follower.news.value).toEqual({ code: 'back', kind: 'microphone', label: 'headset' });
    expect(desk.lost).toEqual([]);
  });

  test('with no other one it says so, and takes whatever is plugged in', async () => {
    const desk = new Desk();
    desk.plugged.camera = ['webcam'];
    desk.open.camera = 'webcam';
    await desk.unplug('camera', 'webcam');
    expect(desk.open.camera).toBeUndefined();
    expect(desk.lost).toEqual(['webcam']);
    await desk.plug('camera', 'other');
    expect(desk.open.camera).toBe('other');
    expect(desk.follower.news.value).toMatchObject({ code: 'replaced', label: 'other', lost: 'webcam' });
    await desk.plug('camera', 'webcam');
    expect(desk.open.camera).toBe('webcam');
  });

  test('when its stand-in goes, too, the first one is still what it comes back to', async () => {
    const desk = new Desk();
    desk.plugged.camera = ['a', 'b', 'c'];
    desk.open.camera = 'a';
    await desk.unplug('camera', 'a');
    await desk.unplug('camera', 'b');
    expect(desk.open.camera).toBe('c');
    await desk.plug('camera', 'a');
    expect(desk.open.camera).toBe('a');
  });

  test('whoever came without one need not ask again', async () => {
    const desk = new Desk();
    desk.follower.misses('microphone');
    await desk.plug('microphone', 'usb');
    expect(desk.open.microphone).toBe('usb');
    expect(desk.follower.news.value).toEqual({ code: 'replaced', kind: 'microphone', label: 'usb', lost: '' });
  });

  test('nothing comes back to who chose otherwise, or wants none', async () => {
    const desk = new Desk();
    desk.plugged.camera = ['a', 'b'];
    desk.open.camera = 'a';
    await desk.unplug('camera', 'a');
    desk.follower.forget('camera');
    expect(desk.follower.news.value).toBeNull();
    await desk.plug('camera', 'a');
    expect(desk.open.camera).toBe('b');
    await desk.unplug('camera', 'b');
    desk.wanted = false;
    delete desk.open.camera;
    await desk.plug('camera', 'b');
    expect(desk.open.camera).toBeUndefined();
  });
});

/** The root of a TensorFlow Lite model, read by the FlatBuffers library. */
function rootOf(model: Uint8Array) {
  const bytes = new ByteBuffer(model);
  const root = bytes.readInt32(0);
  const field = (table: number, index: number): number => {
    const offset = bytes.__offset(table, 4 + 2 * index);
    return offset === 0 ? 0 : table + offset;
  };
  const vector = (table: number, index: number): number[] => {
    const at = field(table, index);
    if (at === 0) return [];
    const start = at + bytes.readInt32(at);
    return Array.from({ length: bytes.readInt32(start) }, (_, i) => bytes.__indirect(start + 4 + 4 * i));
  };
  return {
    version: bytes.readUint32(field(root, 0)),
    operatorCodes: vector(root, 1),
    subgraphs: vector(root, 2),
    buffers: vector(root, 4),
    metadata: vector(root, 6).map((entry) => ({
      name: bytes.__string(field(entry, 0)),
      buffer: bytes.readUint32(field(entry, 1)),
    })),
  };
}

const servers = ['UDP 192.0.2.1:40000', 'TCP 192.0.2.1:40000'];
const findings = (found: Partial<Findings>): Findings => ({
  ways: { udp: { reached: true, rttMs: 20 }, tcp: { reached: true, rttMs: 22 } },
  uploadBps: 9_000_000,
  limitBps: 10_000_000,
  servers,
  ...found,
});
const keys = (found: Findings, asked = 720) => verdictOf(found, asked).sentences.map(({ key }) => key);

describe('the network test’s verdict', () => {
  test('all is well', () => {
    expect(verdictOf(findings({}), 720)).toEqual({
      level: 'good',
      way: 'udp',
      sentences: [{ key: 'network.good', values: { asked: 720 } }],
    });
  });

  test('UDP blocked: it goes by TCP, with a little more delay, and what to ask the administrator for', () => {
    const tcp = findings({ ways: { udp: { reached: false }, tcp: { reached: true, rttMs: 22 } } });
    const verdict = verdictOf(tcp, 720);
    expect(verdict).toMatchObject({ level: 'fair', way: 'tcp' });
    expect(verdict.sentences).toEqual([{ key: 'network.by.tcp', values: { servers: servers.join(', ') } }]);
  });

  test('both blocked: what to ask the administrator for; with TURN it goes by that', () => {
    const blocked = { udp: { reached: false }, tcp: { reached: false } };
    const none = verdictOf(findings({ ways: blocked, uploadBps: null }), 720);
    expect(none).toMatchObject({ level: 'bad', way: null });
    expect(none.sentences).toEqual([{ key: 'network.none', values: { servers: servers.join(', ') } }]);
    const relay = verdictOf(findings({ ways: { ...blocked, relay: { reached: true } } }), 720);
    expect(relay).toMatchObject({ level: 'fair', way: 'relay', sentences: [{ key: 'network.by.relay' }] });
  });

  test('too slow for what is to be sent: what will be sent instead, or that sound alone is better', () => {
    const slow = verdictOf(findings({ uploadBps: 1_500_000 }), 720);
    expect(slow.level).toBe('fair');
    expect(slow.sentences).toEqual([{ key: 'network.slow', values: { asked: 720, sent: 360 } }]);
    expect(keys(findings({ uploadBps: 1_500_000 }), 360)).toEqual(['network.good']);
    expect(verdictOf(findings({ uploadBps: 100_000 }), 720)).toMatchObject({
      level: 'bad',
      sentences: [{ key: 'network.soundOnly' }],
    });
  });

  test('a long way, and an upload that could not be measured, are told beside', () => {
    const far = findings({ ways: { udp: { reached: true, rttMs: 412.4 } }, uploadBps: null });
    expect(keys(far)).toEqual(['network.late', 'network.unmeasured']);
    expect(verdictOf(far, 720).sentences[0]?.values).toEqual({ ms: 412 });
  });

  test('what is sent is the highest layer for which the lower ones leave room', () => {
    expect([200_000, 1_000_000, 2_000_000, 4_000_000].map((bps) => sentHeight(720, bps))).toEqual([0, 360, 360, 720]);
    expect(sentHeight(1080, 8_000_000)).toBe(1080);
    expect(sentHeight(180, 400_000)).toBe(180);
  });

  test('the rate is between the server’s two counts', () => {
    expect(rateBetween({ bytes: 100_000, atMs: 1_000 }, { bytes: 350_000, atMs: 3_000 })).toBe(1_000_000);
    expect(rateBetween({ bytes: 5, atMs: 1 }, { bytes: 5, atMs: 3 })).toBeNull();
    expect(rateBetween({ bytes: 5, atMs: 3 }, { bytes: 9, atMs: 3 })).toBeNull();
  });
});

describe('blur', () => {
  const resolve = createRequire(new URL('../../../client/studio/main.tsx', import.meta.url)).resolve;
  const packageFile = (name: string, file: string) => readFile(join(dirname(resolve(name)), file));

  test('the model gets metadata in front, and stays as it is', async () => {
    const model = await readFile(resolve('@mediapipe/selfie_segmentation/selfie_segmentation_landscape.tflite'));
    const whole = withMetadata(model);
    const shift = whole.length - model.length;
    expect(shift % 16).toBe(0);
    expect(Buffer.from(whole.subarray(shift)).equals(model)).toBe(true);
    const before = rootOf(model);
    const after = rootOf(whole);
    expect(after.version).toBe(before.version);
    // Graphs and operators are those of the model, one more buffer is there, and the metadata says that it is that one.
    expect(after.subgraphs.map((at) => at - shift)).toEqual(before.subgraphs);
    expect(after.operatorCodes.map((at) => at - shift)).toEqual(before.operatorCodes);
    expect(after.buffers.slice(0, -1).map((at) => at - shift)).toEqual(before.buffers);
    expect(after.metadata.at(-1)).toEqual({ name: 'TFLITE_METADATA', buffer: before.buffers.length });
    expect(() => withMetadata(new Uint8Array(64))).toThrow('no TensorFlow Lite model');
  });

  test('what runs it talks to nobody', async () => {
    const files = await Promise.all(
      ['vision_bundle.mjs', 'wasm/vision_wasm_module_internal.js'].map((file) =>
        packageFile('@mediapipe/tasks-vision', file),
      ),
    );
    for (const file of files) expect(file.toString()).not.toMatch(/https:\/\/[\w.]+\.googleapis\.com|sendBeacon/);
  });

  test('two slow rounds on end are too slow, one is a stall', () => {
    const pace = new Pace();
    expect([150, 60, 150, 150].map((ms) => pace.tooSlow(ms))).toEqual([false, false, false, true]);
  });

  test('background is clear of person, person is whole, and the edge between is soft', () => {
    expect([0, 0.3, 0.5, 0.7, 1].map(alphaOf)).toEqual([0, 0, 128, 255, 255]);
  });
});
