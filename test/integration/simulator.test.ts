import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ClipStore } from '../../scripts/simulator/clip/ClipStore.ts';
import { VIDEO_CODECS, type VideoCodec } from '../../scripts/simulator/clip/makeClip.ts';
import { SimulatedPeer } from '../../scripts/simulator/SimulatedPeer.ts';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { Probe } from '../support/simulator/Probe.ts';
import { SmallSfu } from '../support/simulator/SmallSfu.ts';

/** Making clips, which happens once on a machine, takes some 10 s of CPU each. */
const CLIPS_MS = 180_000;

let clips: ClipStore;
let sfu: SmallSfu;
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  clips = new ClipStore();
  await Promise.all([
    clips.get(0, 'vp8'),
    clips.get(1, 'vp8'),
    ...VIDEO_CODECS.slice(1).map((codec) => clips.get(0, codec)),
  ]);
  sfu = await SmallSfu.create();
}, CLIPS_MS);

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await sfu.until(() => sfu.members.length === 0);
  sfu.heard.length = 0;
});

afterAll(async () => {
  clips?.close();
  await sfu?.close();
});

async function join0(options: { codec?: VideoCodec; loss?: number; consume?: boolean; number?: number } = {}) {
  const peer = new SimulatedPeer({ url: sfu.url, token: 'any', number: 0, clips, ...options });
  closing.push(() => peer.close());
  await peer.start();
  return peer;
}

async function probe(codec: VideoCodec = 'vp8', member = 0) {
  const made = await Probe.create(sfu.router, sfu.producer('video', member), codec);
  closing.push(() => made.close());
  return made;
}

/** Counters that follow each other without one left out. */
function expectUnbroken(counters: readonly number[]): void {
  counters.forEach((counter, i) => {
    if (i > 0) expect(counter).toBe((counters[i - 1]! + 1) % 300);
  });
}

describe('a simulated peer on a real mediasoup router', () => {
  test.each(['vp8', 'h264'] as const)(
    '%s: three layers arrive, and a decoder reads its code and its counter',
    async (codec) => {
      await join0({ codec });
      await sfu.until(() => sfu.producer('video').score.filter((s) => s.score === 10).length === 3);
      expect(sfu.producer('video').type).toBe('simulcast');
      const seen = await (await probe(codec)).pictures(45);
      expect(new Set(seen.map((s) => s.code?.clip))).toEqual(new Set([0]));
      expectUnbroken(seen.map((s) => s.code!.counter));
    },
  );

  test.each(['vp9', 'av1'] as const)(
    '%s: one layer arrives, and a decoder reads its code and its counter',
    async (codec) => {
      await join0({ codec });
      await sfu.until(() => sfu.producer('video').score.some((s) => s.score === 10));
      expect(sfu.producer('video').type).toBe('simple');
      const seen = await (await probe(codec)).pictures(45);
      expect(new Set(seen.map((s) => `${s.width}x${s.height}, clip ${s.code?.clip}`))).toEqual(
        new Set(['640x360, clip 0']),
      );
      expectUnbroken(seen.map((s) => s.code!.counter));
    },
  );

  test('layers are switched and key frames are given without a picture left out', async () => {
    const peer = await join0();
    await sfu.until(() => sfu.producer('video').score.filter((s) => s.score === 10).length === 3);
    const watching = await probe();
    for (const [layer, width] of [
      [0, 320],
      [2, 1280],
      [1, 640],
    ] as const) {
      await watching.preferLayer(layer);
      const seen = await watching.picturesOf(width, 10);
      expectUnbroken(seen.map((s) => s.code!.counter));
    }
    const before = peer.counters().keyFrameRequests;
    await watching.requestKeyFrame();
    expectUnbroken((await watching.pictures(20)).map((s) => s.code!.counter));
    expect(peer.counters().keyFrameRequests).toBeGreaterThan(before);
    // At a switch the new layer's key frame may show the instant that the old layer has shown already.
    const steps = watching.all().map((s, i, all) => (s.code!.counter - (all[i - 1] ?? s).code!.counter + 300) % 300);
    expect(steps.slice(1).filter((step) => step > 1)).toEqual([]);
  });

  test('what is lost on the way is asked for and sent again', async () => {
    const peer = await join0({ loss: 0.05 });
    await sfu.until(() => sfu.producer('video').score.length === 3);
    const watching = await probe();
    expectUnbroken((await watching.pictures(60)).map((s) => s.code!.counter));
    const { resent, packets } = peer.counters();
    expect(resent).toBeGreaterThan(0);
    expect(resent).toBeLessThan(packets);
  });

  test('frames leave when the capture clock says so', async () => {
    const peer = await join0();
    const watching = await probe();
    const last = (await watching.pictures(10)).at(-1)!;
    const sent = peer.sentFrames.withCounter(last.code!.counter, 300, Date.now())!;
    expect(sent.frame % 300).toBe(last.code!.counter);
    expect(sent.sentMs).toBeGreaterThanOrEqual(sent.captureMs);
    expect(sent.captureMs - peer.phaseMs).toBeCloseTo((sent.frame * 1000) / 30, 3);
  });

  test('camera off and on, muted and not: producers pause, no packets, and it goes on with a key frame', async () => {
    const peer = await join0();
    const watching = await probe();
    await watching.pictures(5);
    await peer.setCameraOff(true);
    await peer.setMuted(true);
    expect(sfu.producer('video').paused && sfu.producer('audio').paused).toBe(true);
    await peer.setCameraOff(false);
    await peer.setMuted(false);
    expect(sfu.producer('video').paused || sfu.producer('audio').paused).toBe(false);
    expect((await watching.pictures(5)).every((s) => s.code?.clip === 0)).toBe(true);
  });

  test('speak and hush: the router hears who speaks by the level in the header extension', async () => {
    const observer = await sfu.router.createAudioLevelObserver({ threshold: -50, interval: 250 });
    const peer = await join0();
    const { id } = sfu.producer('audio');
    await observer.addProducer({ producerId: id });
    const heard = once(observer, 'volumes') as Promise<[{ producer: { id: string }; volume: number }[]]>;
    peer.setSpeaking(true);
    const [[loudest]] = await heard;
    expect(loudest?.producer.id).toBe(id);
    const silent = once(observer, 'silence');
    peer.setSpeaking(false);
    await silent;
    observer.close();
  });

  test('it publishes again after media:reset, and joins again after its connection broke', async () => {
    const peer = await join0();
    const again = () => new Promise<void>((resolve) => peer.once('published', () => resolve()));
    let published = again();
    await sfu.reset();
    await published;
    expect((await (await probe()).pictures(3)).length).toBe(3);
    published = again();
    sfu.breakConnection(0);
    await published;
    await sfu.until(() => sfu.members.length === 1 && sfu.members[0]!.producers.size === 2);
    expect((await (await probe()).pictures(3)).length).toBe(3);
    expect(peer.counters().published).toBe(3);
    expect(peer.closed).toBe(false);
  });

  test('it closes when the server sends it away', async () => {
    const peer = await join0();
    const left = new Promise((resolve) => peer.once('left', resolve));
    const closed = new Promise<void>((resolve) => peer.once('closed', () => resolve()));
    sfu.sendAway(0);
    expect(await left).toBe('removed');
    await closed;
    expect(peer.closed).toBe(true);
  });

  test('refuses when closed; close is idempotent', async () => {
    const peer = await join0();
    await peer.close();
    await peer.close();
    await expect(peer.start()).rejects.toThrow('closed');
    await expect(peer.setMuted(true)).rejects.toThrow('closed');
  });

  test('a server that is not there is an error, not a hang', async () => {
    const peer = new SimulatedPeer({ url: 'http://127.0.0.1:9', token: 'any', number: 0, clips });
    await expect(peer.start()).rejects.toThrow();
    expect(peer.closed).toBe(true);
  });
});

describe('a swarm', () => {
  test('three peers consume each other, and each ends with its swarm', async () => {
    const swarm = new Swarm({ url: sfu.url, peers: 2, clips, consume: true, token: async () => 'any' });
    closing.push(() => swarm.stop());
    await swarm.start();
    const peers = swarm.peers;
    await sfu.until(() => sfu.heard.filter((event) => event === 'consumer:resume').length === 4);
    const watching = await probe('vp8', 1);
    await watching.pictures(20);
    for (const peer of peers) {
      const { received } = peer.counters();
      expect(received.map((r) => r.kind).sort()).toEqual(['audio', 'video']);
      for (const stream of received) expect(stream.packets).toBeGreaterThan(0);
    }
    await swarm.stop();
    expect(peers.every((peer) => peer.closed)).toBe(true);
    expect(sfu.heard.filter((event) => event === 'leave')).toHaveLength(2);
    await expect(swarm.join(0)).rejects.toThrow('stopped');
  });

  test('a script lets peers come, mute and go', async () => {
    const script = [
      { at: 0, peer: 1, do: 'join' },
      { at: 0.2, peer: 0, do: 'mute' },
      { at: 0.4, peer: 0, do: 'leave' },
    ] as const;
    const swarm = new Swarm({ url: sfu.url, peers: 2, clips, script, token: async () => 'any' });
    closing.push(() => swarm.stop());
    await swarm.start();
    expect(swarm.peers.map((peer) => peer.number)).toEqual([0]);
    const gone = new Promise<void>((resolve) => swarm.peer(0)!.once('closed', () => resolve()));
    await gone;
    await sfu.until(() => sfu.members.length === 1 && sfu.members[0]!.producers.size === 2);
    expect(swarm.peers.map((peer) => peer.number)).toEqual([1]);
    expect(sfu.heard).toContain('producer:pause');
    expect(swarm.counters().map((c) => c.number)).toEqual([0, 1]);
  });
});

describe('npm run simulate', () => {
  async function run(args: string[], onLine?: (line: string, kill: () => void) => void) {
    const child = spawn(process.execPath, ['scripts/simulate.ts', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
      onLine?.(err, () => child.kill('SIGINT'));
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, out, err };
  }

  test('plays until Ctrl+C, says goodbye, and prints its counts as the last line', async () => {
    let killed = false;
    const args = ['--url', sfu.url, '--peers', '1', '--seconds', '0', '--json', '--token', 'any'];
    const { code, out } = await run(args, (said, kill) => {
      if (!killed && said.includes('has joined')) {
        killed = true;
        kill();
      }
    });
    expect(code).toBe(0);
    const result = JSON.parse(out.trim().split('\n').at(-1)!);
    expect(result).toMatchObject({ simulate: 'demo', peers: 1, send_errors: 0 });
    expect(sfu.heard).toContain('leave');
  });

  test('says what is wrong with its arguments', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lianmai-script-'));
    try {
      const script = join(folder, 'script.json');
      await writeFile(script, '[{"at": 1, "peer": 0, "do": "dance"}]');
      for (const [args, message] of [
        [['--peers', 'many'], '--peers'],
        [['--room', '../x'], '--room'],
        [['--script', script], 'do'],
        [['--dance'], 'dance'],
        [['--url', sfu.url, '--peers', '2', '--token', 'any'], '--token'],
      ] as const) {
        const { code, err } = await run([...args]);
        expect(code).toBe(2);
        expect(err).toContain(message);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
