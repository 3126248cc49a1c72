import { EventEmitter, once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { DeliveryOrder, type DeliveryReport } from '../../../src/contracts/deliveryControl.ts';

type Order<T extends DeliveryOrder['type']> = Extract<DeliveryOrder, { type: T }>;

/** The delivery end of interface 5 without playlists: a real WebSocket server that keeps every order. */
export class FakeDelivery {
  readonly orders: DeliveryOrder[] = [];
  /** What it answers to `open`; tests make it refuse. */
  onOpen: (order: Order<'open'>) => DeliveryReport = () => ({ type: 'opened', arriving: false });
  /** Nobody gets in. */
  down = false;
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #events = new EventEmitter();
  #socket: WebSocket | undefined;

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.down) {
      socket.destroy();
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      this.#socket = ws;
      ws.on('message', (data) => this.#receive(ws, DeliveryOrder.parse(JSON.parse(String(data)))));
    });
  }

  report(report: DeliveryReport): void {
    this.#socket?.send(JSON.stringify(report));
  }

  /** Drops the connection as a network does. */
  cut(): void {
    this.#socket?.terminate();
  }

  all<T extends DeliveryOrder['type']>(type: T): Order<T>[] {
    return this.orders.filter((order): order is Order<T> => order.type === type);
  }

  /** The `count`th order of this type, when it has come. */
  async order<T extends DeliveryOrder['type']>(type: T, count = 1): Promise<Order<T>> {
    for (;;) {
      const order = this.all(type)[count - 1];
      if (order) return order;
      await once(this.#events, 'order');
    }
  }

  close(): void {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }

  #receive(socket: WebSocket, order: DeliveryOrder): void {
    this.orders.push(order);
    if (order.type === 'open') socket.send(JSON.stringify(this.onOpen(order)));
    if (order.type === 'end') {
      const ended: DeliveryReport = { type: 'ended' };
      socket.send(JSON.stringify(ended), () => socket.close());
    }
    this.#events.emit('order');
  }
}
