/**
 * The HorizontalPodAutoscaler as `autoscaling/v2` documents it and kube-controller-manager computes it (pkg/controller/podautoscaler: replica_calculator.go,
 * `GetExternalPerPodMetricReplicas`; horizontal.go, `normalizeDesiredReplicasWithBehaviors`). In: an external metric's sum and the replicas that
 * there are, ready or not, without those that are being removed. Out: the wanted replicas. No clock: the caller calls once a sync period.
 */
import { z } from 'zod';

const Policy = z.strictObject({
  type: z.enum(['Pods', 'Percent']),
  value: z.int().min(1),
  periodSeconds: z.int().min(1).max(1800),
});
const Rules = z.strictObject({
  stabilizationWindowSeconds: z.int().min(0).max(3600),
  selectPolicy: z.enum(['Max', 'Min', 'Disabled']),
  policies: z.array(Policy).min(1),
});
/** What the manifest says, hpa.json. */
export const HpaSettings = z.strictObject({
  metric: z.string(),
  /** Target AverageValue, as a share of the slots of a pod. */
  targetFill: z.number().min(0.1).max(1),
  minReplicas: z.int().min(1),
  maxReplicas: z.int().min(1),
  behavior: z.strictObject({ scaleUp: Rules, scaleDown: Rules }),
});
export type HpaSettings = z.infer<typeof HpaSettings>;
type Rules = z.infer<typeof Rules>;

/** kube-controller-manager's defaults: `--horizontal-pod-autoscaler-sync-period`, `--horizontal-pod-autoscaler-tolerance`. */
export const HPA_SYNC_SECONDS = 15;
export const HPA_TOLERANCE = 0.1;

interface Stamped {
  atS: number;
  value: number;
}

export class Hpa {
  readonly #settings: HpaSettings;
  readonly #target: number;
  /** What the metric asked for, before any window or policy. */
  #recommendations: Stamped[] = [];
  #added: Stamped[] = [];
  #removed: Stamped[] = [];

  constructor(settings: HpaSettings, slotsPerPod: number) {
    this.#settings = settings;
    this.#target = settings.targetFill * slotsPerPod;
  }

  /** One sync: the replicas that the workload is set to. */
  sync(nowS: number, metric: number, replicas: number): number {
    const { minReplicas, maxReplicas, behavior } = this.#settings;
    const stable = this.#stabilize(nowS, this.#wanted(metric, replicas), replicas);
    const next =
      stable > replicas
        ? Math.min(stable, maxReplicas, Math.max(replicas, this.#limit(nowS, replicas, behavior.scaleUp, 1)))
        : Math.max(stable, minReplicas, Math.min(replicas, this.#limit(nowS, replicas, behavior.scaleDown, -1)));
    if (next > replicas) this.#added.push({ atS: nowS, value: next - replicas });
    if (next < replicas) this.#removed.push({ atS: nowS, value: replicas - next });
    return Math.min(maxReplicas, Math.max(minReplicas, next));
  }

  /** AverageValue of an external metric: readiness does not count; within the tolerance nothing changes. */
  #wanted(metric: number, replicas: number): number {
    const ratio = metric / (this.#target * replicas);
    if (replicas > 0 && Math.abs(1 - ratio) <= HPA_TOLERANCE) return replicas;
    return Math.ceil(metric / this.#target);
  }

  /** Up to the lowest recommendation of the one window, down to the highest of the other. */
  #stabilize(nowS: number, wanted: number, replicas: number): number {
    const { scaleUp, scaleDown } = this.#settings.behavior;
    const within = (seconds: number) =>
      this.#recommendations.filter(({ atS }) => atS > nowS - seconds).map(({ value }) => value);
    const up = Math.min(wanted, ...within(scaleUp.stabilizationWindowSeconds));
    const down = Math.max(wanted, ...within(scaleDown.stabilizationWindowSeconds));
    const longest = Math.max(scaleUp.stabilizationWindowSeconds, scaleDown.stabilizationWindowSeconds);
    this.#recommendations = this.#recommendations.filter(({ atS }) => atS > nowS - longest);
    this.#recommendations.push({ atS: nowS, value: wanted });
    return Math.min(Math.max(replicas, up), down);
  }

  /** The furthest that the policies let it go in one direction, counted from what there was when each one's period began. */
  #limit(nowS: number, replicas: number, { selectPolicy, policies }: Rules, direction: 1 | -1): number {
    if (selectPolicy === 'Disabled') return replicas;
    const changed = (events: readonly Stamped[], seconds: number) =>
      events.filter(({ atS }) => atS > nowS - seconds).reduce((sum, { value }) => sum + value, 0);
    const proposals = policies.map(({ type, value, periodSeconds }) => {
      const start = replicas - changed(this.#added, periodSeconds) + changed(this.#removed, periodSeconds);
      if (type === 'Pods') return start + direction * value;
      const share = start * (1 + (direction * value) / 100);
      return direction > 0 ? Math.ceil(share) : Math.floor(share);
    });
    const furthest = (selectPolicy === 'Max') === direction > 0;
    return furthest ? Math.max(...proposals) : Math.min(...proposals);
  }
}
