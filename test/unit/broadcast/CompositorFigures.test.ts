import { expect, test } from 'vitest';
import { CompositorFigures } from '../../../src/broadcast/CompositorFigures.ts';
import { broadcastMetrics } from '../../support/broadcast/metrics.ts';

test('broadcasts under pressure are counted by step, and no more when their compositor is gone', async () => {
  const metrics = broadcastMetrics();
  const [one, two] = [new CompositorFigures(metrics), new CompositorFigures(metrics)];
  const now = async () =>
    Object.fromEntries((await metrics.degradation.get()).values.map(({ labels, value }) => [labels.step, value]));
  one.degraded('lower-layers');
  two.degraded('lower-layers');
  one.degraded('half-source-rate');
  expect(await now()).toEqual({ 'lower-layers': 1, 'half-source-rate': 1 });
  one.gone();
  two.degraded('none');
  one.gone();
  expect(await now()).toEqual({ 'lower-layers': 0, 'half-source-rate': 0 });
  const changes = (await metrics.degradations.get()).values.map(({ labels, value }) => [labels.step, value]);
  expect(changes).toEqual([
    ['lower-layers', 2],
    ['half-source-rate', 1],
    ['none', 1],
  ]);
});
