/** Writes docs/webhooks.md's table of events from the contracts: `node scripts/webhookTable.ts --write`. A test compares them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { WEBHOOK_EVENTS, WebhookEventType } from '../src/contracts/webhooks.ts';

const DOC = fileURLToPath(new URL('../docs/webhooks.md', import.meta.url));

/** `peer {id, name}`: the fields of `data`, two levels deep; deeper is in the API document. */
function fieldsOf(type: WebhookEventType): string {
  const { properties = {} } = z.toJSONSchema(WEBHOOK_EVENTS[type].data);
  return Object.entries(properties)
    .map(([name, schema]) => {
      const inner = typeof schema === 'object' ? schema.properties : undefined;
      return inner ? `\`${name}\`: ${Object.keys(inner).join(', ')}` : `\`${name}\``;
    })
    .join('; ');
}

export function fillEvents(text: string): string {
  const rows = WebhookEventType.options.map(
    (type) => `| \`${type}\` | ${WEBHOOK_EVENTS[type].help} | ${fieldsOf(type)} |`,
  );
  const table = ['| type | when | `data` |', '| --- | --- | --- |', ...rows].join('\n');
  return text.replace(/<!-- events -->[\s\S]*?<!-- \/events -->/, () => `<!-- events -->\n${table}\n<!-- /events -->`);
}

if (process.argv.includes('--write')) writeFileSync(DOC, fillEvents(readFileSync(DOC, 'utf8')));
