/**
 * `node --import` of this file makes a process one of the version before, as far as others can tell: it says protocol 1, takes nothing else,
 * and of what it is told and tells it has only what the schemas of that version had (test/fixtures/protocol1, taken from its last commit).
 * The rest of the program is of today.
 */
import { registerHooks } from 'node:module';
import { WebSocket } from 'ws';
import type { z } from 'zod';
import { CompositorMessage, ControllerMessage } from '../fixtures/protocol1/contracts/control.ts';
import { DeliveryOrder, DeliveryReport } from '../fixtures/protocol1/contracts/deliveryControl.ts';

/** For NODE_OPTIONS of a process. */
export const PREVIOUS_VERSION = `--import ${import.meta.url}`;
/** On stderr, when the program was about to say something that the version before has no word for. */
export const NOT_SAID = 'the version before has no such message';

const FIXTURES = new URL('../fixtures/protocol1/contracts/', import.meta.url);
const CONTRACTS = new URL('../../src/contracts/', import.meta.url);

/** Contract → what becomes of its source. What comes in goes through the old schema first, which drops what it does not know. */
const CHANGES: Readonly<Record<string, (source: string) => string>> = {
  'ids.ts': (source) =>
    replaced(source, /PROTOCOL = \d+;\nexport const OLDEST_PROTOCOL = \d+;/, [
      'PROTOCOL = 1;\nexport const OLDEST_PROTOCOL = 1;',
    ]),
  'control.ts': (source) => throughOld(source, 'control.ts', ['ControllerMessage', 'CompositorMessage']),
  'deliveryControl.ts': (source) => throughOld(source, 'deliveryControl.ts', ['DeliveryOrder', 'DeliveryReport']),
};

function replaced(source: string, what: string | RegExp, [by]: readonly [string]): string {
  const changed = source.replace(what, () => by);
  if (changed === source) throw new Error(`no ${what} to replace`);
  return changed;
}

function throughOld(source: string, file: string, schemas: readonly string[]): string {
  const old = new URL(file, FIXTURES).href;
  const today = schemas.reduce(
    (text, name) => replaced(text, `export const ${name} =`, [`const ${name}OfToday =`]),
    source,
  );
  const piped = schemas.map(
    (name) =>
      `export const ${name} = Object.assign(v1.${name}.pipe(${name}OfToday), { options: ${name}OfToday.options });`,
  );
  return [today, `import * as v1 from '${old}';`, ...piped].join('\n');
}

/** What this process says on its connections to other nodes. */
function saidBy(socket: WebSocket): z.ZodType | undefined {
  switch (process.env.LIANMAI_ROLE) {
    case 'compositor':
      return CompositorMessage;
    case 'delivery':
      return DeliveryReport;
    default: {
      // Empty on sockets that others have opened: a browser's.
      const path = socket.url ? new URL(socket.url).pathname : '';
      return { '/control': ControllerMessage, '/delivery': DeliveryOrder }[path];
    }
  }
}

function becomePrevious(): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const change = url.startsWith(CONTRACTS.href) ? CHANGES[url.slice(CONTRACTS.href.length)] : undefined;
      return change ? { ...loaded, source: change(String(loaded.source)) } : loaded;
    },
  });
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (this: WebSocket, data: unknown, ...rest: unknown[]) {
    const schema = saidBy(this);
    const said = schema && typeof data === 'string' ? schema.safeParse(JSON.parse(data)) : undefined;
    if (said && !said.success) process.stderr.write(`${NOT_SAID}: ${data}\n`);
    else Reflect.apply(send, this, [said ? JSON.stringify(said.data) : data, ...rest]);
  } as typeof send;
}

// Only where it is preloaded: tests take the names above from it.
if (process.env.NODE_OPTIONS?.includes(import.meta.url)) becomePrevious();
