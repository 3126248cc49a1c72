/**
 * A small kube-apiserver: HTTPS with a certificate of its own, bearer tokens, and of its resources the pods of one namespace, which can be
 * patched as the real one lets them be. Keeps what it was asked, and fails as it is told to.
 */
import { EventEmitter, once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '../certificate.ts';

export interface Patch {
  pod: string;
  /** Milliseconds by the monotonic clock. */
  at: number;
  status: number;
  annotations: Record<string, string>;
}

interface Failure {
  status: number;
  headers?: Record<string, string>;
}

const NAMESPACE = 'lianmai';
const TOKEN = 'token-of-the-service-account';
/** Where a pod finds its service account: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/ */
const ACCOUNT = 'var/run/secrets/kubernetes.io/serviceaccount';

export class FakeKubeApi {
  readonly patches: Patch[] = [];
  /** Pod name → its annotations. */
  readonly pods = new Map<string, Record<string, string>>();
  /** The answer instead; undefined: as it should be. */
  failure: (pod: string) => Failure | undefined = () => undefined;
  /** What was asked that it does not have. */
  readonly strange: string[] = [];
  /** `var/run/secrets/…` is below. */
  readonly folder: string;
  token = TOKEN;
  readonly #server: Server;
  readonly #certificate: string;
  readonly #events = new EventEmitter();

  private constructor(server: Server, folder: string, certificate: string) {
    this.#server = server;
    this.folder = folder;
    this.#certificate = certificate;
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  static async start(pods: readonly string[] = []): Promise<FakeKubeApi> {
    const folder = await mkdtemp(join(tmpdir(), 'lianmai-kube-'));
    const files = await makeCertificate();
    const [cert, key] = await Promise.all([readFile(files.cert, 'utf8'), readFile(files.key, 'utf8')]);
    await files.remove();
    const server = createServer({ cert, key });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const api = new FakeKubeApi(server, folder, cert);
    for (const pod of pods) api.pods.set(pod, {});
    const account = join(folder, ACCOUNT);
    await mkdir(account, { recursive: true });
    await writeFile(join(account, 'token'), TOKEN);
    await writeFile(join(account, 'ca.crt'), cert);
    await writeFile(join(account, 'namespace'), NAMESPACE);
    return api;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** As a container has it. */
  get env(): Record<string, string> {
    return { KUBERNETES_SERVICE_HOST: 'localhost', KUBERNETES_SERVICE_PORT: String(this.port) };
  }

  /** As a kubeconfig file; its path. */
  async kubeconfig(): Promise<string> {
    const file = join(this.folder, 'kubeconfig.json');
    const cluster = {
      server: `https://localhost:${this.port}`,
      'certificate-authority-data': Buffer.from(this.#certificate).toString('base64'),
    };
    const config = {
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'test' },
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'test', user: { token: TOKEN } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: NAMESPACE } }],
    };
    await writeFile(file, JSON.stringify(config));
    return file;
  }

  cost(pod: string): string | undefined {
    return this.pods.get(pod)?.['controller.kubernetes.io/pod-deletion-cost'];
  }

  of(pod: string): Patch[] {
    return this.patches.filter((patch) => patch.pod === pod);
  }

  /** Resolves as soon as it holds; looked at after each request. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await once(this.#events, 'answered');
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const url = new URL(request.url ?? '', 'https://api');
    const pod = new RegExp(`^/api/v1/namespaces/${NAMESPACE}/pods/([a-z0-9.-]+)$`).exec(url.pathname)?.[1];
    const type = request.headers['content-type'];
    const good = request.method === 'PATCH' && pod && type === 'application/merge-patch+json';
    if (!good) {
      this.strange.push(`${request.method} ${request.url} ${type}`);
      this.#say(response, { status: 415 });
    } else if (request.headers.authorization !== `Bearer ${this.token}`)
      this.#patched(response, pod, {}, { status: 401 });
    else this.#patch(response, pod, JSON.parse(text));
    this.#events.emit('answered');
  }

  /** RFC 7396, of `metadata.annotations`; whatever else is named is an attempt at more than this program should do. */
  #patch(response: ServerResponse, pod: string, body: { metadata: { annotations: Record<string, string> } }): void {
    const { metadata, ...more } = body;
    const { annotations, ...other } = metadata;
    if (Object.keys({ ...more, ...other }).length > 0) this.strange.push(JSON.stringify(body));
    const known = this.pods.get(pod);
    const failure = this.failure(pod) ?? (known ? undefined : { status: 404 });
    if (known && !failure) Object.assign(known, annotations);
    this.#patched(response, pod, annotations, failure);
  }

  #patched(response: ServerResponse, pod: string, annotations: Record<string, string>, failure?: Failure): void {
    this.patches.push({ pod, at: performance.now(), status: failure?.status ?? 200, annotations });
    const object = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: pod, namespace: NAMESPACE, annotations: this.pods.get(pod) },
    };
    this.#say(response, failure ?? { status: 200 }, object);
  }

  #say(response: ServerResponse, { status, headers = {} }: Failure, object?: object): void {
    const failed = { apiVersion: 'v1', kind: 'Status', status: 'Failure', code: status };
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(status === 200 ? object : failed));
  }
}
