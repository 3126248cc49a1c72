import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';

export interface Http2Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** An HTTP/2 connection on which many requests may be on their way. Any certificate is good enough. */
export class Http2Client {
  readonly #session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  static async connect(url: string): Promise<Http2Client> {
    const session = connect(url, { rejectUnauthorized: false });
    await new Promise<void>((resolve, reject) => session.once('connect', () => resolve()).once('error', reject));
    session.on('error', () => undefined);
    return new Http2Client(session);
  }

  get closed(): boolean {
    return this.#session.closed;
  }

  get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Http2Answer> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({ ':path': path, ':method': method, ...headers });
      const chunks: Buffer[] = [];
      let answer: IncomingHttpHeaders = {};
      stream.on('response', (received) => {
        answer = received;
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () =>
        resolve({ status: Number(answer[':status']), headers: answer, body: Buffer.concat(chunks) }),
      );
    });
  }

  close(): void {
    this.#session.destroy();
  }
}
