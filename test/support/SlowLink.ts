import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('slowLink.pl', import.meta.url));

/** A slow line in front of a server on loopback, in a process of its own; see slowLink.pl. */
export class SlowLink {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** `target` is a port on 127.0.0.1. */
  static async start(target: number, bytesPerSecond: number): Promise<SlowLink> {
    const child = spawn('perl', [SCRIPT, String(target), String(bytesPerSecond)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    return new SlowLink(child, Number(line));
  }

  /** Its connections end too. */
  async close(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await gone;
  }
}
