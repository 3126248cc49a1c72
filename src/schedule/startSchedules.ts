/** Puts the scheduled broadcasts together for a server, and joins them to rooms, broadcasts and webhooks. */
import type { Broadcasts } from '../broadcast/Broadcasts.ts';
import type { CheckDestination } from '../broadcast/destinations.ts';
import type { RecordFiles } from '../broadcast/record/RecordFiles.ts';
import type { Logger } from '../common/logger.ts';
import type { Directory } from '../directory/Directory.ts';
import type { Database } from '../durable/Database.ts';
import type { SfuHomes } from '../homes/SfuHomes.ts';
import type { RoomRegistry } from '../rooms/RoomRegistry.ts';
import type { ServerWebhooks } from '../webhooks/startWebhooks.ts';
import { ScheduleStore } from './ScheduleStore.ts';
import { Schedules } from './Schedules.ts';

export interface StartSchedulesOptions {
  directory: Directory;
  homes: SfuHomes;
  rooms: RoomRegistry;
  broadcasts: Broadcasts;
  records: RecordFiles;
  destinationPolicy: CheckDestination;
  webhooks: ServerWebhooks;
  /** Opened before. */
  database: Database | undefined;
  /** There are other nodes, and Redis. */
  fleet: boolean;
  logger: Logger;
}

export function startSchedules(options: StartSchedulesOptions): Promise<Schedules> {
  const { directory, homes, rooms, broadcasts, records, destinationPolicy, webhooks, database, fleet, logger } =
    options;
  return Schedules.create({
    ...{ directory, homes: homes.homes, claim: homes.claim, destinationPolicy, logger },
    box: records.box,
    store: fleet || !database ? undefined : ScheduleStore.open(database),
    start: async (room, input, as) => broadcasts.start(await rooms.getOrCreate(room), input, as),
    status: (room) => broadcasts.status(room),
    onChange: (room, schedule, event, of) => {
      rooms.get(room)?.scheduled(schedule);
      if (event) webhooks.tell(event, room, { schedule: of });
    },
  });
}
