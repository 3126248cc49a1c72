/** A process that is killed in mid-write: says the number of each report when the ledger has it. It begins with the last of the process before it. */
import { writeSync } from 'node:fs';
import { Database } from '../../../src/durable/Database.ts';
import { UsageLedger } from '../../../src/usage/UsageLedger.ts';

const ledger = new UsageLedger(Database.open(process.argv[2] ?? ''));
const broadcast = 'b00000000001';
const broadcasts = [{ id: broadcast, room: 'demo', tenant: 'acme', epoch: 0 }];
const row = ledger.database.get('SELECT max(sequence) AS last FROM usage_reports');

for (let n = Math.max(1, Number(row?.last ?? 0)); ; n++) {
  const of = { broadcast, subject: '', source: 'c1', at: 0 };
  const readings = [
    { ...of, kind: 'active' as const, value: n * 100 },
    { ...of, kind: 'cpu' as const, value: n * 10 },
  ];
  // Twice: the answer to the first one might have been lost.
  for (let sent = 0; sent < 2; sent++)
    ledger.append([{ node: 'writer', sequence: n, at: 0, broadcasts, targets: {}, readings }], { own: true });
  writeSync(1, `${n}\n`);
}
