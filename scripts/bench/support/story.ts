/** What simulated peers told of themselves → who was in the room and who could be heard, in program time. Pure. */
import type { Person, RoomFrom } from '../../../test/support/program/readShow.ts';
import { CLIPS } from '../../simulator/clip/frameCode.ts';
import type { SimulatorEvent } from '../../simulator/events.ts';

/** The wall clock of two processes and its label of frame 0 agree within this, frames. */
const CLOCK_FRAMES = 2;

interface Program {
  /** Wall clock of frame 0, ms. */
  epochMs: number;
  fps: number;
  /** Ids of those who were there from the start, in the order of their seats. */
  seated: readonly string[];
}

/** Each state of the room, from the frame at which it may hold at the earliest. */
export function roomsOf(events: readonly SimulatorEvent[], { epochMs, fps, seated }: Program): RoomFrom[] {
  const frameOf = (atMs: number) => Math.floor(((atMs - epochMs) * fps) / 1000) - CLOCK_FRAMES;
  const numberOf = (id: string) => events.find((e) => e.event === 'joined' && e.id === id)?.peer ?? -1;
  const person = (id: string, number: number): Person => ({
    ...{ id, name: `Peer ${number}`, clip: number % CLIPS, cameraOn: true },
  });
  let people = seated.map((id) => person(id, numberOf(id)));
  const ids = new Map(seated.map((id) => [numberOf(id), id]));
  const rooms: RoomFrom[] = [{ fromFrame: Number.NEGATIVE_INFINITY, people }];
  for (const [i, event] of events.entries()) {
    if (event.event !== 'doing') continue;
    const { peer } = event;
    if (event.do === 'join') {
      const joined = events.slice(i).find((e) => e.event === 'joined' && e.peer === peer);
      if (joined?.event !== 'joined') continue;
      ids.set(peer, joined.id);
      people = [...people, person(joined.id, peer)];
    } else if (event.do === 'leave' || event.do === 'drop') people = people.filter(({ id }) => id !== ids.get(peer));
    else if (event.do === 'camera-on' || event.do === 'camera-off') {
      const cameraOn = event.do === 'camera-on';
      people = people.map((p) => (p.id === ids.get(peer) ? { ...p, cameraOn } : p));
    } else continue;
    rooms.push({ fromFrame: frameOf(event.atMs), people });
  }
  return rooms;
}

export interface Heard {
  peer: number;
  /** Program time, seconds. */
  from: number;
  to: number;
}

/** When each peer's microphone was open, until `end`, seconds of program time. */
export function heardOf(events: readonly SimulatorEvent[], epochMs: number, end: number): Heard[] {
  const open = new Map<number, number>();
  const heard: Heard[] = [];
  const secondsOf = (atMs: number) => (atMs - epochMs) / 1000;
  const close = (peer: number, to: number) => {
    const from = open.get(peer);
    open.delete(peer);
    if (from !== undefined && to > from) heard.push({ peer, from, to });
  };
  for (const event of events) {
    const at = secondsOf(event.atMs);
    if (event.event === 'sending') open.set(event.peer, at);
    else if (event.event === 'did' && event.do === 'unmute') open.set(event.peer, at);
    else if (event.event === 'doing' && ['mute', 'leave', 'drop'].includes(event.do)) close(event.peer, at);
  }
  for (const peer of [...open.keys()]) close(peer, end);
  return heard;
}
