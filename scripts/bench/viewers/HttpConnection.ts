/**
 * A connection of HTTP/1.1 that does as little as can be done: one request at a time, whose answer is counted and thrown away. Thousands
 * of them fit on one core, so that what is measured is the server.
 */
import { connect, type Socket } from 'node:net';

/** All sockets read into the same memory: what is read is looked at before anything else is read. */
const READ_BUFFER = Buffer.allocUnsafe(256 * 1024);
const HEAD_END = Buffer.from('\r\n\r\n');
const MAX_HEAD = 16 * 1024;

export interface Answer {
  status: number;
  /** Head and body, octets. */
  bytes: number;
}

export class HttpConnection {
  readonly #socket: Socket;
  readonly #host: string;
  /** The part of a head that has come. */
  #head: Buffer | null = null;
  #status = 0;
  /** Octets of the body that are missing; −1: the head is not whole. */
  #missing = -1;
  #bytes = 0;
  #done: ((answer: Answer) => void) | null = null;
  #failed: (why: string) => void;
  #closed = false;

  constructor(port: number, failed: (why: string) => void) {
    this.#host = `127.0.0.1:${port}`;
    this.#failed = failed;
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (count, buffer) => {
          this.#read(buffer as Buffer, count);
          return true;
        },
      },
    });
    this.#socket.on('error', (error) => this.#fail(error.message));
    this.#socket.on('close', () => this.#fail('the connection was closed'));
  }

  get busy(): boolean {
    return this.#done !== null;
  }

  /** One at a time. */
  get(path: string, done: (answer: Answer) => void): void {
    if (this.#done) throw new Error('the connection is busy');
    this.#done = done;
    this.#missing = -1;
    this.#bytes = 0;
    this.#socket.write(`GET ${path} HTTP/1.1\r\nhost: ${this.#host}\r\naccept-encoding: gzip\r\n\r\n`);
  }

  close(): void {
    this.#closed = true;
    this.#done = null;
    this.#socket.destroy();
  }

  #fail(why: string): void {
    if (this.#closed) return;
    this.close();
    this.#failed(why);
  }

  #read(buffer: Buffer, count: number): void {
    this.#bytes += count;
    if (this.#missing < 0) this.#readHead(buffer.subarray(0, count));
    else this.#missing -= count;
    if (this.#missing !== 0) return;
    const done = this.#done;
    this.#done = null;
    done?.({ status: this.#status, bytes: this.#bytes });
  }

  #readHead(chunk: Buffer): void {
    const head = this.#head ? Buffer.concat([this.#head, chunk]) : chunk;
    const end = head.indexOf(HEAD_END);
    if (end < 0) {
      if (head.length > MAX_HEAD) this.#fail('the head has no end');
      this.#head = Buffer.from(head);
      return;
    }
    this.#head = null;
    const text = head.toString('latin1', 0, end);
    this.#status = Number(text.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
    if (length === undefined) this.#fail('an answer has no content-length');
    else this.#missing = Number(length) - (head.length - end - HEAD_END.length);
  }
}
