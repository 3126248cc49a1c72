/**
 * Of the Kubernetes API the one call that is needed: an annotation of a pod. In: a pod's name and its cost. Out: a PATCH, or PodApiError with
 * what is to be done about it. `@kubernetes/client-node` is large (1,000 modules, 90 MB resident): whoever makes a PodApi pays for it, nobody else.
 */
import type { ObservableMiddleware } from '@kubernetes/client-node';

/** https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#pod-deletion-cost */
export const COST_ANNOTATION = 'controller.kubernetes.io/pod-deletion-cost';
/** Shown in a pod's `managedFields`. */
const FIELD_MANAGER = 'lianmai-pod-cost';
/** The API server answers within milliseconds, or is in trouble, ms. */
const ANSWER_LIMIT_MS = 10_000;

/**
 * What became of a write: metric label. `gone`: there is no such pod. `conflict`: somebody else changed it just then. `denied`: our token or
 * our rights are not good. `throttled`: the API server wants less. `unreachable`: it did not answer, or with an error of its own. `invalid`: it
 * does not take what we say.
 */
export const WRITE_OUTCOMES = ['ok', 'gone', 'conflict', 'denied', 'throttled', 'unreachable', 'invalid'] as const;
export type WriteOutcome = (typeof WRITE_OUTCOMES)[number];

export class PodApiError extends Error {
  override name = 'PodApiError';
  readonly outcome: Exclude<WriteOutcome, 'ok'>;
  /** What the server has asked for, ms; undefined: nothing. */
  readonly retryAfterMs: number | undefined;
  constructor(outcome: Exclude<WriteOutcome, 'ok'>, message: string, retryAfterMs?: number, options?: ErrorOptions) {
    super(message, options);
    this.outcome = outcome;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface PodApi {
  /** Throws PodApiError. */
  setDeletionCost(pod: string, cost: number): Promise<void>;
}

export interface PodApiOptions {
  /** KUBECONFIG, or else KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, which Kubernetes sets in every container. */
  env: Readonly<Record<string, string | undefined>>;
  /** Before the path of the service account's files; tests have theirs elsewhere. */
  filesBelow?: string;
}

/** Whether this process is told of a Kubernetes API at all. */
export const hasCluster = ({ KUBECONFIG = '', KUBERNETES_SERVICE_HOST = '' }: PodApiOptions['env']): boolean =>
  KUBECONFIG !== '' || KUBERNETES_SERVICE_HOST !== '';

/** Of the namespace that this pod is in, by its service account; or as KUBECONFIG says. Throws when that cannot be read. */
export async function openPodApi({ env, filesBelow = '' }: PodApiOptions): Promise<PodApi> {
  const { CoreV1Api, KubeConfig, Observable, PatchStrategy } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (env.KUBECONFIG) config.loadFromFile(env.KUBECONFIG);
  else config.loadFromCluster(filesBelow);
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace?.trim() || 'default';
  const api = config.makeApiClient(CoreV1Api);
  const limited: ObservableMiddleware = {
    pre: (request) => {
      // A merge patch leaves alone what it does not name.
      request.setHeaderParam('Content-Type', PatchStrategy.MergePatch);
      request.setSignal(AbortSignal.timeout(ANSWER_LIMIT_MS));
      return new Observable(Promise.resolve(request));
    },
    post: (response) => new Observable(Promise.resolve(response)),
  };
  return {
    setDeletionCost: async (name, cost) => {
      const body = { metadata: { annotations: { [COST_ANNOTATION]: String(cost) } } };
      const order = { name, namespace, body, fieldManager: FIELD_MANAGER };
      try {
        await api.patchNamespacedPod(order, { middleware: [limited], middlewareMergeStrategy: 'append' });
      } catch (error) {
        throw asPodApiError(error);
      }
    },
  };
}

const OUTCOMES: Readonly<Record<number, Exclude<WriteOutcome, 'ok'>>> = {
  401: 'denied',
  403: 'denied',
  404: 'gone',
  409: 'conflict',
  429: 'throttled',
};

/** What the library throws: an ApiException with the status as `code`, or the network's error. */
function asPodApiError(error: unknown): PodApiError {
  const { code, headers = {} } = error as { code?: unknown; headers?: Record<string, string> };
  if (typeof code !== 'number')
    return new PodApiError('unreachable', 'the Kubernetes API does not answer', undefined, { cause: error });
  const outcome = OUTCOMES[code] ?? (code >= 500 ? 'unreachable' : 'invalid');
  // RFC 9110 section 10.2.3; the API server gives seconds.
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
  return new PodApiError(outcome, `the Kubernetes API answered ${code}`, retryAfterMs, { cause: error });
}
