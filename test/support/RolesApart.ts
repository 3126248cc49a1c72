/** Real processes, one a role (or more compositor agents), behind one origin as an ingress has it: `/live/` is delivery's, the rest the SFU's. */
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { Secret } from '../../src/common/Secret.ts';
import { Tokens } from '../../src/tokens/Tokens.ts';
import { ServerProcess } from './ServerProcess.ts';

const SECRET = 'a-secret-that-three-processes-share';

export class RolesApart {
  /** Compositor agents, in the order in which the SFU knows them; they may be killed and replaced. */
  readonly agents: ServerProcess[];
  /** Of the SFU, with an API token. */
  readonly api: ServerApi;
  /** These two may be killed and replaced. */
  delivery: ServerProcess;
  sfu: ServerProcess;
  readonly #proxy: Server;

  private constructor(roles: { agents: ServerProcess[]; delivery: ServerProcess; sfu: ServerProcess }, token: string) {
    this.agents = roles.agents;
    this.delivery = roles.delivery;
    this.sfu = roles.sfu;
    this.api = new ServerApi(roles.sfu.url, token);
    this.#proxy = createServer((incoming, answer) => {
      const outgoing = request(this.#targetOf(incoming), { method: incoming.method, headers: incoming.headers });
      outgoing.on('response', (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
        response.on('error', () => answer.destroy());
      });
      outgoing.on('error', () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()));
      answer.on('close', () => outgoing.destroy());
      incoming.pipe(outgoing);
    });
    this.#proxy.on('upgrade', (incoming, near) => {
      const far = connect(Number(this.#targetOf(incoming).port), '127.0.0.1', () => {
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
    });
  }

  /** `agents`: how many compositor agents. */
  static async start(env: Record<string, string> = {}, agents = 1): Promise<RolesApart> {
    const role = (name: string, more: Record<string, string> = {}) =>
      ServerProcess.start({ LIANMAI_SECRET: SECRET, LIANMAI_ROLE: name, ...env, ...more });
    const [delivery, ...compositors] = await Promise.all([
      role('delivery'),
      ...Array.from({ length: agents }, () => role('compositor')),
    ]);
    const sfu = await role('sfu', {
      // In a fleet it finds them itself.
      ...(env.LIANMAI_REDIS_URL
        ? {}
        : { LIANMAI_COMPOSITOR_URLS: compositors.map(({ internalUrl }) => internalUrl).join(',') }),
      LIANMAI_DELIVERY_URL: delivery.internalUrl,
      LIANMAI_SFU_WORKERS: '1',
    });
    const token = await Tokens.create([new Secret(SECRET)]).sign({ aud: 'api', sub: 'test' }, 3600);
    const roles = new RolesApart({ agents: compositors, delivery, sfu }, token);
    await new Promise<void>((resolve) => roles.#proxy.listen(0, '127.0.0.1', resolve));
    return roles;
  }

  /** Of both: what a browser opens. */
  get origin(): string {
    return `http://127.0.0.1:${(this.#proxy.address() as AddressInfo).port}`;
  }

  /** The first of them. */
  get compositor(): ServerProcess {
    const [first] = this.agents;
    if (!first) throw new Error('there is no agent');
    return first;
  }

  /** One more agent, which announces itself in Redis; who asks ends it. */
  anotherAgent(env: Record<string, string>): Promise<ServerProcess> {
    return ServerProcess.start({ LIANMAI_SECRET: SECRET, LIANMAI_ROLE: 'compositor', ...env });
  }

  async stop(): Promise<void> {
    this.#proxy.closeAllConnections();
    this.#proxy.close();
    for (const server of [this.sfu, this.delivery, ...this.agents]) await server.stop('SIGKILL');
  }

  #targetOf({ url = '/' }: IncomingMessage): URL {
    return new URL(url, url.startsWith('/live/') ? this.delivery.url : this.sfu.url);
  }
}
