import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** What a server is answering now. Make it when all other handlers of requests are there. */
export class OpenAnswers {
  readonly #open = new Set<ServerResponse>();

  constructor(server: Server) {
    server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
      this.#open.add(response);
      response.once('close', () => this.#open.delete(response));
    });
  }

  /** Resolves when all that are open at the moment are given, at the latest after so long, ms; their connections are closed. */
  async given(limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const left = new Set(this.#open);
    for (const response of left) {
      response.shouldKeepAlive = false;
      response.once('close', () => {
        left.delete(response);
        if (left.size === 0) resolve();
      });
    }
    if (left.size === 0) return;
    const timer = setTimeout(resolve, limitMs);
    await promise;
    clearTimeout(timer);
  }
}
