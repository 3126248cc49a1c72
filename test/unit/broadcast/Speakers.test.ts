import { EventEmitter } from 'node:events';
import type { types as mediasoup } from 'mediasoup';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { audible } from '../../../src/broadcast/audible.ts';
import { shownSpeakers } from '../../../src/broadcast/jobs.ts';
import type { TapSource } from '../../../src/broadcast/RoomTap.ts';
import { Speakers } from '../../../src/broadcast/Speakers.ts';
import { Scene, type SceneInput } from '../../../src/contracts/scene.ts';

const ANN = 'pann00000';
const BOB = 'pbob00000';

const microphone = (peer: string): TapSource => ({
  id: `${peer}.microphone`,
  peer,
  kind: 'microphone',
  producer: {} as mediasoup.Producer,
  paused: false,
});

class QuietRoom extends EventEmitter {
  readonly id = 'demo';
  readonly router = {} as mediasoup.Router;
  scene = { version: 1, scene: Scene.parse({}) };
  present = [ANN, BOB];
  sent = [microphone(ANN), microphone(BOB)];
  people = () => this.present.map((id) => ({ id, name: id }));
  sources = () => this.sent;
  set(scene: SceneInput): void {
    this.scene = { version: this.scene.version + 1, scene: Scene.parse(scene) };
    this.emit('changed');
  }
}

let room: QuietRoom;

describe('audible', () => {
  beforeEach(() => {
    room = new QuietRoom();
  });

  test('who is here and has a microphone that is on', () => {
    expect([...audible(room)]).toEqual([ANN, BOB]);
    room.sent = [{ ...microphone(ANN), paused: true }, microphone('pgone0000')];
    expect([...audible(room)]).toEqual([]);
  });

  test('not who is muted or hidden in the scene, or is not solo while another is', () => {
    room.set({ sources: { [`${ANN}.microphone`]: { muted: true } } });
    expect([...audible(room)]).toEqual([BOB]);
    room.set({ people: { [BOB]: { hidden: true } } });
    expect([...audible(room)]).toEqual([ANN]);
    room.set({ sources: { [`${BOB}.microphone`]: { solo: true } } });
    expect([...audible(room)]).toEqual([BOB]);
    room.set({ sources: { 'pgone0000.microphone': { solo: true } } });
    expect([...audible(room)]).toEqual([ANN, BOB]);
  });
});

describe('Speakers', () => {
  let speakers: Speakers;
  let changes: number;

  beforeEach(() => {
    vi.useFakeTimers();
    room = new QuietRoom();
    speakers = new Speakers(room, { now: () => Date.now() });
    changes = 0;
    speakers.on('changed', () => changes++);
  });
  afterEach(() => {
    speakers.close();
    vi.useRealTimers();
  });

  const look = async (levels: Record<string, number>) => {
    await vi.advanceTimersByTimeAsync(300);
    room.emit(
      'levels',
      Object.entries(levels).map(([peer, dbov]) => ({ peer, dbov })),
    );
  };

  test('tells who speaks and who is active; and by itself when somebody falls silent', async () => {
    await look({ [ANN]: -30 });
    expect(speakers.speaking).toEqual([ANN]);
    await look({ [ANN]: -30 });
    expect(speakers.active).toBe(ANN);
    room.emit('levels', []);
    await vi.advanceTimersByTimeAsync(600);
    expect(speakers.speaking).toEqual([]);
    expect(speakers.active).toBe(ANN);
    expect(changes).toBe(3);
  });

  test('at most five changes a second, and the last one is never lost', async () => {
    for (let i = 0; i < 40; i++) {
      await vi.advanceTimersByTimeAsync(25);
      room.emit('levels', [{ peer: i % 2 ? ANN : BOB, dbov: -30 }]);
      if (i % 2) room.set({ sources: { [`${BOB}.microphone`]: { muted: i % 4 === 1 } } });
    }
    expect(changes).toBeLessThanOrEqual(6);
    room.set({});
    room.emit('levels', [
      { peer: ANN, dbov: -30 },
      { peer: BOB, dbov: -30 },
    ]);
    await vi.advanceTimersByTimeAsync(250);
    expect(speakers.speaking).toEqual([ANN, BOB]);
  });

  test('the one who is active and is muted goes at once', async () => {
    await look({ [ANN]: -30 });
    await look({ [ANN]: -30 });
    room.set({ sources: { [`${ANN}.microphone`]: { muted: true } } });
    expect(speakers.active).toBeNull();
    expect(speakers.speaking).toEqual([]);
  });

  test('while a dead mediasoup worker takes all sources away, the choice stays', async () => {
    await look({ [ANN]: -30 });
    await look({ [ANN]: -30 });
    room.sent = [];
    room.emit('changed');
    expect(speakers.active).toBe(ANN);
  });

  test('says nothing when closed', async () => {
    speakers.close();
    await look({ [ANN]: -30 });
    expect(changes).toBe(0);
    expect(room.listenerCount('levels') + room.listenerCount('changed')).toBe(0);
  });
});

describe('shownSpeakers', () => {
  const peers = [{ id: ANN, name: 'Ann' }];
  const said = { active: ANN, speaking: [ANN, BOB] };
  test('the active one only in the speaker layout, marks only where they are wanted, never of somebody who is not there', () => {
    expect(shownSpeakers(Scene.parse({}), peers, said)).toEqual({ active: null, speaking: [ANN] });
    const scene = Scene.parse({ layout: { type: 'speaker' }, marks: { speaking: false } });
    expect(shownSpeakers(scene, peers, said)).toEqual({ active: ANN, speaking: [] });
    expect(shownSpeakers(scene, [], said)).toEqual({ active: null, speaking: [] });
  });
});
