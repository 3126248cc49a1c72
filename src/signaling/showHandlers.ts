/** What hosts ask about the broadcast, the running one and the next; part of the table in handlers.ts (next: broadcast/Broadcasts.ts, schedule/Schedules.ts). */
import { AppError } from '../contracts/errors.ts';
import type { HandlerTable } from './handlers.ts';

type ShowEvent = Extract<keyof HandlerTable, `broadcast:${string}` | `destination:${string}` | `schedule:${string}`>;

export const SHOW_HANDLERS: Pick<HandlerTable, ShowEvent> = {
  'broadcast:start': {
    needs: 'host',
    besides: true,
    handle: (room, _peer, input, { broadcasts }) => broadcasts.start(room, input),
  },
  'broadcast:stop': {
    needs: 'peer',
    besides: true,
    handle: async (room, peer, _payload, { broadcasts }) => {
      if (peer.role !== 'host' && !peer.mayStop) throw new AppError('forbidden');
      await broadcasts.stop(room.id, 'stopped');
      return {};
    },
  },
  'broadcast:record': {
    needs: 'host',
    besides: true,
    handle: async (room, _peer, { on }, { broadcasts }) => {
      await broadcasts.record(room.id, on);
      return {};
    },
  },
  'destination:add': {
    needs: 'host',
    besides: true,
    handle: (room, _peer, input, { broadcasts }) => broadcasts.addDestination(room.id, input),
  },
  'destination:remove': {
    needs: 'host',
    besides: true,
    handle: async (room, _peer, { id }, { broadcasts }) => {
      await broadcasts.removeDestination(room.id, id);
      return {};
    },
  },
  'schedule:set': {
    needs: 'host',
    besides: true,
    handle: (room, _peer, input, { schedules }) => schedules.set(room.id, input),
  },
  'schedule:cancel': {
    needs: 'host',
    besides: true,
    handle: async (room, _peer, _payload, { schedules }) => {
      await schedules.back(room.id);
      return {};
    },
  },
  'schedule:start': {
    needs: 'host',
    besides: true,
    handle: (room, _peer, _payload, { schedules }) => schedules.start(room.id),
  },
};
