import { readFile } from 'node:fs/promises';

/** What a process has resident, octets: VmRSS (proc(5)). Rejects when it is gone. */
export async function residentBytesOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch((cause: unknown) => {
    throw new Error('the process ended while it was measured; the machine may be too busy', { cause });
  });
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
}
