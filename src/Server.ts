import { readFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { Agent } from '../compositor/agent/Agent.ts';
import type { AssetStore } from './assets/AssetStore.ts';
import { openAssets } from './assets/openAssets.ts';
import { requireAssets } from './assets/sceneAssets.ts';
import { Broadcasts } from './broadcast/Broadcasts.ts';
import { broadcastSettings } from './broadcast/broadcastSettings.ts';
import { RecordFiles } from './broadcast/record/RecordFiles.ts';
import { type ChatServer, startChat } from './chat/startChat.ts';
import { monotonicClock } from './common/clock.ts';
import type { Logger } from './common/logger.ts';
import { dataDirSecret } from './common/SecretBox.ts';
import { whenFree } from './common/whenFree.ts';
import type { Config } from './config.ts';
import { createDelivery } from './delivery/createDelivery.ts';
import type { Delivery } from './delivery/Delivery.ts';
import { deliveryOffer, drainDelivery, followDeliveries, keepsBroadcasts } from './delivery/deliveryFleet.ts';
import { destinationPolicy } from './delivery/destinationPolicy.ts';
import { streamIdentity } from './delivery/destinations/streamIdentity.ts';
import type { DeliveryNodes } from './directory/DeliveryNodes.ts';
import { type Fleet, joinFleet } from './directory/joinFleet.ts';
import { Database } from './durable/Database.ts';
import { DataDirLock, isDirectoryInUse } from './durable/DataDirLock.ts';
import { handOn } from './homes/handOn.ts';
import { RelayDoor, SIGNALING_PATH } from './homes/RelayDoor.ts';
import { SfuHomes } from './homes/SfuHomes.ts';
import { allowOrigins } from './http/allowOrigins.ts';
import { registerApi } from './http/api.ts';
import { createHttp } from './http/createHttp.ts';
import { followRecordings } from './http/followRecordings.ts';
import { registerHealth } from './http/health.ts';
import { listen, routeUpgrade, type UpgradeHandler, urlOf } from './http/listening.ts';
import { registerPages } from './http/pages.ts';
import type { RecordingFeeds } from './http/RecordingFeeds.ts';
import type { RecordingsClient } from './http/RecordingsClient.ts';
import { type RequestGuard, requestGuard } from './http/requestGuard.ts';
import type { PodCosts } from './kubernetes/PodCosts.ts';
import { startPodCosts } from './kubernetes/startPodCosts.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { apiRooms } from './rooms/apiRooms.ts';
import { RoomFiles } from './rooms/RoomFiles.ts';
import { RoomRegistry } from './rooms/RoomRegistry.ts';
import type { Schedules } from './schedule/Schedules.ts';
import { startSchedules } from './schedule/startSchedules.ts';
import { WorkerPool } from './sfu/WorkerPool.ts';
import { workerSettings } from './sfu/workerSettings.ts';
import { SignalingServer } from './signaling/SignalingServer.ts';
import { isService, newServiceToken, verifyService } from './tokens/serviceTokens.ts';
import { Tokens } from './tokens/Tokens.ts';
import { ServerUsage } from './usage/ServerUsage.ts';
import { type ServerWebhooks, startWebhooks } from './webhooks/startWebhooks.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const VERSION = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;

/** Owns everything in the process; which parts it makes is the role's. Closed in the reverse order of the data. */
export class Server {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #metrics: Metrics = createMetrics();
  #tokens: Tokens;
  readonly #newServiceToken = () => newServiceToken(this.#tokens);
  readonly #verifyService = (token: string | undefined) => verifyService(this.#tokens, token);
  readonly #guard: RequestGuard;
  #state: 'starting' | 'ready' | 'draining' | 'closing' | 'closed' = 'starting';
  #public: FastifyInstance | undefined;
  #internal: FastifyInstance | undefined;
  #lock: DataDirLock | undefined;
  #database: Database | undefined;
  #usage: ServerUsage | undefined;
  #assets: AssetStore | undefined;
  #agent: Agent | undefined;
  #fleet: Fleet | undefined;
  #deliveryNodes: DeliveryNodes | undefined;
  #delivery: Delivery | undefined;
  #pool: WorkerPool | undefined;
  readonly #door = new RelayDoor(this.#verifyService);
  /** What another SFU node relays was looked at there. */
  readonly #checkRequest: RequestGuard = (request) => this.#door.isRelayed(request) || this.#guard(request);
  #homes: SfuHomes | undefined;
  #rooms: RoomRegistry | undefined;
  #broadcasts: Broadcasts | undefined;
  #schedules: Schedules | undefined;
  #webhooks: ServerWebhooks | undefined;
  #recordingFeed: RecordingFeeds | undefined;
  #signaling: SignalingServer | undefined;
  #chat: ChatServer | undefined;
  #podCosts: PodCosts | undefined;
  #closing: Promise<void> | undefined;

  private constructor(config: Config, logger: Logger) {
    this.#config = config;
    this.#logger = logger;
    this.#tokens = Tokens.create(config.secrets);
    this.#guard = requestGuard({ open: this.#open, allowedOrigins: config.allowedOrigins });
  }

  static async create(config: Config, logger: Logger): Promise<Server> {
    const server = new Server(config, logger);
    try {
      await server.#start();
    } catch (error) {
      await server.#abandon();
      throw error;
    }
    return server;
  }

  /** Where people go; empty for role compositor. */
  get url(): string {
    return this.#public ? urlOf(this.#public, this.#config.tlsCert ? 'https' : 'http') : '';
  }

  get internalUrl(): string {
    return this.#internal ? urlOf(this.#internal, 'http') : '';
  }

  get #open(): boolean {
    return this.#config.secrets.length === 0;
  }

  #has(role: 'sfu' | 'compositor' | 'delivery'): boolean {
    return this.#config.role === 'all' || this.#config.role === role;
  }

  async #start(): Promise<void> {
    const { dataDir } = this.#config;
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    // Without a secret, people whom a crash threw out come back with the tokens that they have.
    if (this.#open) this.#tokens = Tokens.create([await dataDirSecret(dataDir)]);
    await whenFree(() => this.#openDatabase(dataDir), isDirectoryInUse);
    const upgrades = new Map<string, UpgradeHandler>();
    this.#internal = createHttp({ logger: this.#logger });
    registerHealth(this.#internal, this, this.#metrics.registry);
    if (this.#has('sfu')) {
      const [config, internal, logger] = [this.#config, this.#internal, this.#logger];
      this.#assets = await openAssets({ config, internal, verifyService: this.#verifyService, logger });
      this.#door.register(this.#internal);
      upgrades.set(SIGNALING_PATH, this.#door.handleUpgrade);
    }
    if (this.#has('compositor')) upgrades.set('/control', await this.#startAgent());
    if (this.#has('delivery')) upgrades.set('/delivery', await this.#startDelivery(this.#internal));
    await listen(this.#internal, this.#config.internalHost, this.#config.internalPort);
    this.#internal.server.on('upgrade', (request, socket, head) => routeUpgrade(upgrades, request, socket, head));
    await this.#joinFleet();
    if (this.#has('sfu') || this.#has('delivery')) await this.#startPublic();
    if (this.#fleet)
      this.#podCosts = await startPodCosts(this.#config, this.#fleet.directory, this.#logger, this.#metrics.podCosts);
    this.#state = 'ready';
  }

  /** For what has to outlive the process. A compositor keeps nothing. */
  #openDatabase(dataDir: string): void {
    const roles = (['sfu', 'delivery'] as const).filter((role) => this.#has(role));
    if (roles.length === 0) return;
    this.#lock = DataDirLock.take(dataDir, roles);
    const database = Database.open(dataDir);
    this.#database = database;
    const [newServiceToken, metrics] = [this.#newServiceToken, this.#metrics.usage];
    this.#usage = ServerUsage.open({ config: this.#config, database, newServiceToken, logger: this.#logger, metrics });
  }

  async #startAgent(): Promise<UpgradeHandler> {
    const { mediaHost, mediaPorts, maxBroadcasts, compositorSlots, warmCompositors } = this.#config;
    const agent = await Agent.create({
      mediaIp: mediaHost,
      mediaPorts,
      maxChildren: maxBroadcasts,
      slots: compositorSlots,
      warmChildren: warmCompositors,
      logLevel: this.#config.logLevel,
      verifyService: (token) => isService(this.#tokens, token),
      logger: this.#logger,
      metrics: this.#metrics.agent,
      onLoad: () => this.#fleet?.agentChanged(),
    });
    this.#agent = agent;
    return (request, socket, head) => agent.handleUpgrade(request, socket, head);
  }

  /** Needs the internal port: its address is what we are known by. */
  async #joinFleet(): Promise<void> {
    this.#fleet = await joinFleet({
      config: this.#config,
      internalUrl: this.internalUrl,
      address: this.#internal?.server.address() as AddressInfo,
      agent: this.#agent,
      delivery: deliveryOffer(this.#config, this.#delivery),
      version: VERSION,
      logger: this.#logger,
      metrics: this.#metrics.directory,
    });
    this.#fleet.agentChanged();
    const parts = { internalUrl: this.internalUrl, fleet: this.#fleet, delivery: this.#delivery, usage: this.#usage };
    this.#deliveryNodes = await followDeliveries(this.#config, parts);
  }

  async #startDelivery(internal: FastifyInstance): Promise<UpgradeHandler> {
    const delivery = await createDelivery({
      config: this.#config,
      tokens: this.#tokens,
      database: this.#database,
      usage: this.#usage?.meter,
      onLoad: () => this.#fleet?.agentChanged(),
      logger: this.#logger,
      metrics: this.#metrics,
    });
    this.#delivery = delivery;
    delivery.registerIntake(internal);
    this.#usage?.registerControl(internal, (token) => this.#verifyService(token));
    delivery.registerPlayback(internal, { nodesOnly: true });
    return (request, socket, head) => delivery.handleUpgrade(request, socket, head);
  }

  async #startPublic(): Promise<void> {
    const { tlsCert, tlsKey, trustedProxies, host, port } = this.#config;
    const tls = tlsCert ? { cert: await readFile(tlsCert), key: await readFile(tlsKey) } : undefined;
    const http = createHttp({ logger: this.#logger, trustedProxies, ...(tls ? { tls } : {}) });
    this.#public = http;
    http.addHook('onRequest', async (request) => this.#checkRequest(request.raw));
    await allowOrigins(http, this.#config.allowedOrigins);
    if (this.#config.role === 'all') registerHealth(http, this, this.#metrics.registry);
    this.#delivery?.registerPlayback(http);
    if (!(await registerPages(http, join(ROOT, 'dist', 'client'), this.#has('sfu') ? 'all' : 'watch')))
      this.#logger.warn('the pages are not built: run `npm run build`');
    if (this.#has('sfu')) await this.#startSfu(http);
    await http.ready();
    this.#delivery?.openFastLane(http.server, this.#guard);
    await listen(http, host, port);
    await this.#homes?.announce(VERSION);
    // Not before: a server that can not listen must leave them to the next one.
    if (this.#rooms) await this.#broadcasts?.resume(this.#rooms);
    await this.#schedules?.open();
  }

  async #startSfu(http: FastifyInstance): Promise<void> {
    const assets = this.#assets;
    const fleet = this.#fleet;
    if (!assets || !fleet) throw new Error('assets and directory are opened before the SFU is');
    const [config, logger] = [this.#config, this.#logger];
    const workers = { ...workerSettings(config), logger, metrics: this.#metrics.sfu };
    this.#pool = await WorkerPool.create(workers);
    const files = RoomFiles.open(config.dataDir, logger);
    const isLive = (room: string) => this.#broadcasts?.isLive(room) ?? false;
    const { directory } = fleet;
    const [door, newServiceToken, many] = [this.#door, this.#newServiceToken, config.redisUrl !== null];
    const letGo = async (room: string): Promise<void> => this.#broadcasts?.letGo(room);
    const homes = await SfuHomes.create({
      ...{ directory, door, newServiceToken, fleet: many, files, isLive, letGo, logger },
    });
    this.#homes = homes;
    await homes.api.register(http);
    assets.lookElsewhere(homes.api.assets.find);
    const rooms = await RoomRegistry.create({
      pool: this.#pool,
      iceServers: config.iceServers,
      isLive,
      files,
      sign: (claims, seconds) => this.#tokens.sign(claims, seconds),
      claim: homes.claim,
      logger,
      metrics: this.#metrics.rooms,
    });
    this.#rooms = rooms;
    homes.serve(rooms);
    const { webhooks: webhookMetrics } = this.#metrics;
    const database = this.#database;
    const webhooks = await startWebhooks({
      ...{ config, database, rooms, version: VERSION, logger, metrics: webhookMetrics },
    });
    this.#webhooks = webhooks;
    const records = await RecordFiles.create({ dataDir: config.dataDir, secrets: config.secrets, logger });
    const allowed = destinationPolicy({ allowPrivate: config.allowPrivateDestinations });
    const checkDestination = async (url: string) => streamIdentity((await allowed(url)).parsed);
    const broadcasts = new Broadcasts({
      ...{ directory, homes: homes.homes, newServiceToken, records, destinationPolicy: checkDestination },
      ...broadcastSettings(config),
      assetsUrl: `${fleet.url}/assets`,
      clock: monotonicClock,
      logger,
      metrics: this.#metrics.broadcast,
      usage: this.#usage?.meter,
      onStatus: (room, status, figures) => {
        webhooks.broadcasts.status(room, status);
        rooms.get(room)?.broadcastStatus(status, figures);
        this.#chat?.broadcastStatus(room, status);
      },
      onDestination: (event) => webhooks.broadcasts.destination(event),
    });
    this.#broadcasts = broadcasts;
    const schedules = await startSchedules({
      ...{ directory, homes, rooms, broadcasts, records, webhooks, database, fleet: many, logger },
      destinationPolicy: checkDestination,
    });
    this.#schedules = schedules;
    await registerApi(http, {
      ...{ open: this.#open, tokens: this.#tokens, rooms: apiRooms(rooms, homes.homes), broadcasts, schedules, assets },
      webhooks: webhooks.endpoints,
      recordings: this.#followRecordings(broadcasts, webhooks),
      usage: this.#usage,
      fleet: homes.api,
      version: VERSION,
    });
    await http.ready();
    const signaling = await SignalingServer.create({
      ...{ httpServer: http.server, registry: rooms, broadcasts, schedules },
      verifyJoin: (token) => this.#tokens.verify(token, 'join'),
      checkRequest: this.#checkRequest,
      route: (...upgrade) => homes.sockets.route(...upgrade),
      claim: homes.claim,
      checkScene: (scene) => requireAssets(scene, assets),
      logger,
      metrics: this.#metrics.signaling,
    });
    this.#signaling = signaling;
    const [tokens, metrics] = [() => this.#tokens, this.#metrics.chat];
    this.#chat = startChat({ config, signaling, tokens, node: directory.node, logger, metrics });
    this.#door.open({ request: http.routing, upgrade: (...upgrade) => signaling.accept(...upgrade) });
  }

  #followRecordings(broadcasts: Broadcasts, webhooks: ServerWebhooks): RecordingsClient {
    const { client, feed } = followRecordings({
      nodes: this.#deliveryNodes,
      newServiceToken: () => this.#newServiceToken(),
      database: this.#database,
      logger: this.#logger,
      broadcasts,
      webhooks,
      speaksFor: (room) => this.#homes?.speaksFor(room) ?? false,
    });
    this.#recordingFeed = feed;
    return client;
  }

  readiness(): { ready: boolean; reason: string } {
    if (this.#state !== 'ready') return { ready: false, reason: this.#state };
    if (this.#pool && !this.#pool.ready) return { ready: false, reason: 'no mediasoup worker' };
    // What a delivery node has it serves, whatever Redis does.
    if (this.#config.role === 'delivery') return { ready: true, reason: '' };
    return this.#fleet?.directory.readiness() ?? { ready: true, reason: '' };
  }

  /** It could not start: what a killed process left stays as it is, for the next try. */
  async #abandon(): Promise<void> {
    this.#broadcasts = undefined;
    this.#delivery = undefined;
    await this.close();
  }

  /** Ends broadcasts cleanly (EXT-X-ENDLIST, RTMP closed), or hands over others', then sends everybody away, then ends the children. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #handOn(): Promise<void> {
    this.#state = 'draining';
    this.#schedules?.close();
    const [homes, rooms, signaling] = [this.#homes, this.#rooms, this.#signaling];
    return handOn({ homes, rooms, signaling, broadcasts: async () => this.#broadcasts?.handOn() });
  }

  async #close(): Promise<void> {
    if (this.#config.role === 'compositor') {
      this.#state = 'draining';
      await this.#agent?.handOver(this.#config.drainSeconds * 1000);
    }
    const keep = keepsBroadcasts(this.#config);
    if (keep) {
      this.#state = 'draining';
      await drainDelivery(this.#config, this.#fleet, this.#delivery);
    }
    if (this.#config.role === 'sfu' && this.#config.redisUrl) await this.#handOn();
    this.#state = 'closing';
    this.#schedules?.close();
    await this.#broadcasts?.close();
    await this.#recordingFeed?.close();
    await this.#delivery?.close({ keep });
    await this.#agent?.close();
    await this.#podCosts?.close();
    await this.#fleet?.directory.close();
    this.#door.close();
    await this.#chat?.close();
    await this.#signaling?.close();
    await this.#rooms?.closeAll('shutting-down');
    await this.#pool?.close();
    await this.#public?.close();
    await this.#internal?.close();
    await this.#webhooks?.close();
    await this.#usage?.close();
    this.#database?.close();
    this.#lock?.release();
    this.#state = 'closed';
  }
}
