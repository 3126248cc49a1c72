/**
 * `node src/kubernetes/announceAddress.ts FILE`: writes the address that browsers reach this node at (k8s/base/sfu.yaml, init container).
 * From the environment: LIANMAI_ANNOUNCED_ADDRESS, NODE_NAME, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, which Kubernetes sets.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { announcedAddress } from './announcedAddress.ts';

/** https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/ */
const TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';

try {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new Error('usage: announceAddress.ts FILE');
  const { env } = process;
  const address = await announcedAddress({
    setting: env.LIANMAI_ANNOUNCED_ADDRESS ?? '',
    nodeName: env.NODE_NAME ?? '',
    api: async () => ({ url: apiUrl(env), token: (await readFile(TOKEN_FILE, 'utf8')).trim() }),
  });
  await writeFile(file, address);
  process.stdout.write(`announced address: ${address}\n`);
} catch (error) {
  process.stderr.write(`Lianmai has no address to announce: ${(error as Error).message}\n`);
  process.exitCode = 1;
}

/** An IPv6 cluster's address needs brackets. */
function apiUrl({ KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' }: NodeJS.ProcessEnv) {
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
