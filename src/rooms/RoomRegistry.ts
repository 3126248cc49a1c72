import { monotonicClock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { AppError } from '../contracts/errors.ts';
import { RoomId } from '../contracts/ids.ts';
import type { Scene, VersionedScene } from '../contracts/scene.ts';
import type { IceServer, LeaveReason } from '../contracts/signaling.ts';
import type { JoinClaims } from '../contracts/tokens.ts';
import { NetworkTests } from '../sfu/NetworkTests.ts';
import { CaptionDesk } from './CaptionDesk.ts';
import { Invitations, type Sign } from './Invitations.ts';
import { DEFAULT_LIMITS, type RoomLimits } from './limits.ts';
import type { RoomMetrics } from './metrics.ts';
import type { CloseReason } from './PeerLink.ts';
import { Room } from './Room.ts';
import { RoomDoor } from './RoomDoor.ts';
import type { KeptRoom, RoomFiles } from './RoomFiles.ts';
import type { RouterSource } from './RoomRouter.ts';
import { SceneStore } from './SceneStore.ts';
import { SeatMemory } from './SeatMemory.ts';

export interface RoomRegistryOptions {
  /** `WorkerPool` is one. */
  pool: RouterSource;
  limits?: Partial<RoomLimits>;
  /** STUN and TURN servers for clients. */
  iceServers: readonly { urls: string | string[]; username?: string | undefined; credential?: string | undefined }[];
  /** Whether the room has a running broadcast: then it stays, however empty. */
  isLive: (roomId: RoomId) => boolean;
  /** Makes `join` tokens; left out: there are no invitations, and no host is named. */
  sign?: Sign;
  /** Where scenes and seats outlive the process; left out: nowhere. */
  files?: RoomFiles;
  /** Before a room opens: throws AppError `wrong-node` when it is at home elsewhere. Left out: every room is at home here. */
  claim?: (roomId: RoomId) => Promise<void>;
  logger: Logger;
  metrics: RoomMetrics;
}

const refuseToSign: Sign = async () => {
  throw new AppError('forbidden', 'This server makes no invitations.');
};

/** The rooms of this node. One is made when somebody first joins or the API first uses it. */
export class RoomRegistry extends TypedEmitter<{ opened: [room: Room]; closed: [] }> {
  readonly iceServers: readonly IceServer[];
  /** Of all rooms, open or not. */
  readonly scenes: SceneStore;
  /** Whom each room lets in, open or not. */
  readonly door: RoomDoor;
  readonly invitations: Invitations;
  readonly captions: CaptionDesk;
  /** Of people at the door, whatever their room. */
  readonly networkTests: NetworkTests;
  readonly #seats: SeatMemory;
  readonly #options: RoomRegistryOptions;
  readonly #limits: RoomLimits;
  readonly #rooms = new Map<RoomId, Room>();
  /** Rooms that are being made: two first joins at once must meet in one room. */
  readonly #opening = new Map<RoomId, Promise<Room>>();
  readonly #emptyTimers = new Map<Room, NodeJS.Timeout>();
  #closed = false;

  private constructor(options: RoomRegistryOptions) {
    super();
    this.#options = options;
    this.scenes = new SceneStore({ files: options.files });
    this.#seats = new SeatMemory(monotonicClock, options.files);
    this.door = new RoomDoor(options.files);
    this.invitations = new Invitations(this.door, options.sign ?? refuseToSign);
    this.captions = new CaptionDesk({
      scene: (room) => this.scenes.get(room),
      setScene: (...change) => this.setScene(...change),
      keepUntil: (room, captionsUntil) => options.files?.change(room, { captionsUntil }),
    });
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.networkTests = new NetworkTests(options.pool);
    this.iceServers = options.iceServers as readonly IceServer[];
  }

  static async create(options: RoomRegistryOptions): Promise<RoomRegistry> {
    const registry = new RoomRegistry(options);
    for (const [room, { captionsUntil }] of options.files?.entries() ?? [])
      registry.captions.adopt(room, captionsUntil);
    return registry;
  }

  get(id: string): Room | undefined {
    return this.#rooms.get(id);
  }

  /** Open, or just being opened. */
  has(id: string): boolean {
    return this.#rooms.has(id) || this.#opening.has(id);
  }

  list(): Room[] {
    return [...this.#rooms.values()];
  }

  /** Throws AppError `removed`, or `unauthorized` for an invitation that is revoked and whose person is not in the room. */
  admit(claims: JoinClaims): void {
    this.door.check(claims, this.#rooms.get(claims.room)?.knows(claims.sub));
  }

  /** A room need not be open for it: the scene waits for the room. Throws AppError `stale-version`. */
  setScene(id: RoomId, scene: Scene, ifMatch: number): VersionedScene {
    const room = this.#rooms.get(id);
    return room ? room.setScene(scene, ifMatch) : this.scenes.set(id, scene, ifMatch);
  }

  /** Throws AppError `bad-request` for an id that is none, `no-capacity`, `shutting-down`. */
  async getOrCreate(id: string): Promise<Room> {
    if (this.#closed) throw new AppError('shutting-down');
    const parsed = RoomId.safeParse(id);
    if (!parsed.success) throw new AppError('bad-request', 'This is not the id of a room.');
    const room = this.#rooms.get(id);
    if (room) return room;
    let opening = this.#opening.get(id);
    if (!opening) {
      opening = this.#open(parsed.data).finally(() => this.#opening.delete(id));
      this.#opening.set(id, opening);
    }
    return opening;
  }

  async #open(id: RoomId): Promise<Room> {
    const { pool, claim, logger, metrics } = this.#options;
    await claim?.(id);
    const [scenes, seatMemory, door, limits] = [this.scenes, this.#seats, this.door, this.#limits];
    const room = await Room.create({ id, routers: pool, scenes, seatMemory, door, limits, logger, metrics });
    if (this.#closed) {
      room.close('shutting-down');
      throw new AppError('shutting-down');
    }
    this.#rooms.set(id, room);
    room.on('occupancy', () => this.#watchEmpty(room));
    room.once('closed', () => {
      clearTimeout(this.#emptyTimers.get(room));
      this.#emptyTimers.delete(room);
      this.#rooms.delete(id);
    });
    this.#watchEmpty(room);
    this.emit('opened', room);
    return room;
  }

  #watchEmpty(room: Room): void {
    clearTimeout(this.#emptyTimers.get(room));
    this.#emptyTimers.delete(room);
    if (!room.empty || room.closed) return;
    const timer = setTimeout(() => {
      if (room.empty && !this.#options.isLive(room.id)) room.close('room-closed');
      else this.#watchEmpty(room);
    }, this.#limits.emptyMs);
    this.#emptyTimers.set(room, timer);
  }

  /** Everybody in it is told `left`; its scene is forgotten. Nothing happens when there is no such room. */
  async close(id: string, reason: LeaveReason = 'room-closed'): Promise<void> {
    // One that is being made is waited for, else it would open after this.
    await this.#opening.get(id)?.catch(() => {});
    this.#rooms.get(id)?.close(reason);
    this.captions.forget(id);
    this.#options.files?.change(id, { captionsUntil: undefined });
    this.scenes.forget(id);
    this.#seats.forget(id);
    this.door.forget(id);
  }

  /** It goes on elsewhere: everybody is told to come again; what is kept of it stays. */
  async move(id: string): Promise<void> {
    await this.#opening.get(id)?.catch(() => {});
    this.#rooms.get(id)?.close('moved');
    this.captions.forget(id);
  }

  /** What another node has kept of a room that is at home here from now on. */
  adopt(id: RoomId, { scene, seated, door, captionsUntil }: KeptRoom): void {
    this.scenes.adopt(id, scene);
    this.captions.adopt(id, captionsUntil);
    this.#seats.remember(id, seated);
    this.door.adopt(id, door);
    this.#options.files?.change(id, { seated, captionsUntil });
  }

  /** The scene as the room's broadcast had it on another node, when that is newer than what is known here. */
  restoreScene(id: RoomId, scene: VersionedScene): void {
    if (scene.version > this.scenes.get(id).version) this.scenes.adopt(id, scene);
  }

  /** No room opens any more. Idempotent. */
  async closeAll(reason: CloseReason = 'shutting-down'): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.captions.close();
    await Promise.allSettled(this.#opening.values());
    for (const room of [...this.#rooms.values()]) room.close(reason);
    this.emit('closed');
  }
}
