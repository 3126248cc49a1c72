/** What a PromQL expression asks for, by Prometheus' own grammar. */
import { parser } from '@prometheus-io/lezer-promql';

export interface Asked {
  metrics: Set<string>;
  /** Metric → labels that its selectors compare. */
  matched: Map<string, Set<string>>;
  /** Labels of `by` and `without`. */
  grouped: Set<string>;
}

/** Throws where the expression is none. */
export function readPromql(expression: string): Asked {
  const asked: Asked = { metrics: new Set(), matched: new Map(), grouped: new Set() };
  let selector = '';
  parser.parse(expression).iterate({
    enter(node) {
      if (node.type.isError) throw new Error(`no PromQL at ${node.from}: ${expression}`);
      if (node.name === 'VectorSelector') {
        // A selector may be nothing but `{__name__="x"}`; the project's rules name what they ask for.
        const name = node.node.getChild('Identifier');
        if (!name) throw new Error(`a selector without a name: ${expression}`);
        selector = expression.slice(name.from, name.to);
        asked.metrics.add(selector);
        asked.matched.set(selector, asked.matched.get(selector) ?? new Set());
      }
      if (node.name === 'LabelName') {
        const grouping = node.node.parent?.name === 'GroupingLabels';
        (grouping ? asked.grouped : asked.matched.get(selector))?.add(expression.slice(node.from, node.to));
      }
    },
  });
  return asked;
}
