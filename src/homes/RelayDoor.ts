/**
 * Where other SFU nodes hand over what they got for a room that is at home here: on the internal port, with a service token. In: requests and
 * upgrades. Out: the same to whoever serves people, which checks the caller's own token as always; only the guard of origins, which looked at
 * the request where it came in, lets them pass. Before `open` and after the end they are answered 503.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../contracts/errors.ts';
import { closeUpgrade } from './closeUpgrade.ts';

/** Holds a service token, on everything that one SFU node relays to another. What comes from outside with it is not believed for that. */
export const RELAY_HEADER = 'lianmai-relay';

/** Of signalling's upgrades, at both ports. */
export const SIGNALING_PATH = '/socket.io/';

export interface Behind {
  request: (request: IncomingMessage, response: ServerResponse) => void;
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

export class RelayDoor {
  /** Throws AppError. */
  readonly #verifyService: (token: string | undefined) => Promise<void>;
  readonly #relayed = new WeakSet<IncomingMessage>();
  #behind: Behind | undefined;

  constructor(verifyService: (token: string | undefined) => Promise<void>) {
    this.#verifyService = verifyService;
  }

  /** From another SFU node: it is not relayed again. */
  isRelayed(request: IncomingMessage): boolean {
    return this.#relayed.has(request);
  }

  /** On the internal port, before it listens. */
  register(internal: FastifyInstance): void {
    internal.route({
      method: ['GET', 'POST', 'PUT', 'DELETE'],
      url: '/v1/*',
      schema: { hide: true },
      // Nothing is read here: the body is for who is behind.
      onRequest: async (request, reply) => {
        await this.#admit(request.raw);
        if (!this.#behind) throw new AppError('wrong-node');
        reply.hijack();
        this.#behind.request(request.raw, reply.raw);
      },
      handler: () => {
        throw new AppError('internal');
      },
    });
  }

  /** For the internal port's upgrades at signalling's path. */
  handleUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const onError = (): void => {
      socket.destroy();
    };
    socket.on('error', onError);
    this.#admit(request).then(
      () => {
        socket.off('error', onError);
        if (socket.destroyed) return;
        if (this.#behind) this.#behind.upgrade(request, socket, head);
        else closeUpgrade(socket, '503 Service Unavailable');
      },
      () => closeUpgrade(socket, '401 Unauthorized'),
    );
  };

  open(behind: Behind): void {
    this.#behind = behind;
  }

  close(): void {
    this.#behind = undefined;
  }

  async #admit(request: IncomingMessage): Promise<void> {
    const token = request.headers[RELAY_HEADER];
    await this.#verifyService(typeof token === 'string' ? token : undefined);
    this.#relayed.add(request);
  }
}
