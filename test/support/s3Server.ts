/** An S3-compatible store on a free port (npm's s3rver), behind a proxy that counts requests and refuses some. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import { Secret } from '../../src/common/Secret.ts';
import { type S3Options, S3Storage } from '../../src/storage/S3Storage.ts';

/** What s3rver takes. */
export const S3_KEY = 'S3RVER';
export const BUCKET = 'lianmai-test';

export class S3Server {
  /** `PUT /lianmai-test/key?partNumber=1…`, in the order of their coming, refused ones too. */
  readonly requests: string[] = [];
  /** Whether a request is answered 503. */
  refuse: (request: string) => boolean = () => false;
  readonly #server: S3rver;
  readonly #proxy: Server;
  readonly #folder: string;

  private constructor(server: S3rver, proxy: Server, folder: string) {
    this.#server = server;
    this.#proxy = proxy;
    this.#folder = folder;
  }

  static async start(): Promise<S3Server> {
    const folder = await mkdtemp(join(tmpdir(), 'lianmai-s3-'));
    const server = new S3rver({
      port: 0,
      address: '127.0.0.1',
      directory: folder,
      silent: true,
      configureBuckets: [{ name: BUCKET }],
    });
    const { port } = await server.run();
    const proxy = createServer();
    const started = new S3Server(server, proxy, folder);
    proxy.on('request', (request: IncomingMessage, response) => {
      const line = `${request.method} ${request.url}`;
      started.requests.push(line);
      if (started.refuse(line)) {
        request.resume();
        response.writeHead(503, { 'content-type': 'application/xml' });
        response.end('<Error><Code>SlowDown</Code><Message>try again</Message></Error>');
        return;
      }
      // The Host header is part of the signature: it stays as it is.
      const { method, url, headers } = request;
      const onward = httpRequest({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      request.pipe(onward);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    return started;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#proxy.address() as AddressInfo).port}`;
  }

  storage(options: Partial<S3Options> = {}): S3Storage {
    return new S3Storage({
      bucket: BUCKET,
      prefix: 'some/prefix',
      endpoint: this.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: S3_KEY, secretAccessKey: new Secret(S3_KEY) },
      ...options,
    });
  }

  async close(): Promise<void> {
    this.#proxy.closeAllConnections();
    await new Promise((resolve) => this.#proxy.close(resolve));
    await this.#server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
