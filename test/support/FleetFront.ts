/**
 * One origin before a fleet, as an ingress has it: `/live/` goes to a delivery node, the rest to an SFU node, round robin over those that are
 * ready. A node that is not is left out from the next look on; when none is ready, all that are alive are taken.
 */
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { ServerProcess } from './ServerProcess.ts';

/** How often each node is asked whether it is ready, ms. */
const LOOK_MS = 500;

interface Nodes {
  sfus: readonly ServerProcess[];
  deliveries: readonly ServerProcess[];
}

/** Which of these a request goes to; undefined: none. */
export type Choice = (servers: readonly ServerProcess[], request: IncomingMessage) => ServerProcess | undefined;

export class FleetFront {
  /** May be set: round robin otherwise. */
  chooseSfu: Choice = roundRobin();
  chooseDelivery: Choice = roundRobin();
  readonly #nodes: () => Nodes;
  readonly #server: Server;
  /** Those that were not ready when they were last asked. */
  readonly #unready = new Set<ServerProcess>();
  readonly #timer: NodeJS.Timeout;

  private constructor(nodes: () => Nodes) {
    this.#nodes = nodes;
    this.#server = createServer((incoming, answer) => {
      const target = this.#targetOf(incoming);
      if (!target) return answer.writeHead(503).end();
      const outgoing = request(target, { method: incoming.method, headers: incoming.headers });
      outgoing.on('response', (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
        response.on('error', () => answer.destroy());
      });
      outgoing.on('error', () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()));
      answer.on('close', () => outgoing.destroy());
      return incoming.pipe(outgoing);
    });
    this.#server.on('upgrade', (incoming, near) => {
      const target = this.#targetOf(incoming);
      if (!target) return near.destroy();
      const far = connect(Number(target.port), '127.0.0.1', () => {
        const headers = incoming.rawHeaders.flatMap((v, i, all) => (i % 2 ? [] : [`${v}: ${all[i + 1]}`]));
        far.write(`GET ${incoming.url} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
        near.pipe(far).pipe(near);
      });
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        socket.on('error', () => other.destroy());
        socket.on('close', () => other.destroy());
      }
      return undefined;
    });
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** `nodes`: those that there are now. */
  static async start(nodes: () => Nodes): Promise<FleetFront> {
    const front = new FleetFront(nodes);
    await new Promise<void>((resolve) => front.#server.listen(0, '127.0.0.1', resolve));
    return front;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #targetOf(incoming: IncomingMessage): URL | undefined {
    const { url = '/' } = incoming;
    const { sfus, deliveries } = this.#nodes();
    const [nodes, choose] = url.startsWith('/live/') ? [deliveries, this.chooseDelivery] : [sfus, this.chooseSfu];
    const alive = nodes.filter(({ child }) => child.exitCode === null && child.signalCode === null);
    const ready = alive.filter((node) => !this.#unready.has(node));
    const chosen = choose(ready.length > 0 ? ready : alive, incoming);
    return chosen && new URL(url, chosen.url);
  }

  #look(): void {
    const { sfus, deliveries } = this.#nodes();
    for (const node of [...sfus, ...deliveries]) {
      // No answer at all: as a kubelet does, only a clear one counts; whoever is dead is left out anyway.
      fetch(`${node.internalUrl}/readyz`, { signal: AbortSignal.timeout(LOOK_MS * 4) }).then(
        ({ ok }) => (ok ? this.#unready.delete(node) : this.#unready.add(node)),
        () => {},
      );
    }
  }
}

function roundRobin(): Choice {
  let turn = 0;
  return (servers) => servers[turn++ % servers.length];
}
