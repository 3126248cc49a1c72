/**
 * `npm run hls-check -- URL [--seconds N] [--json] [--rules]`: checks what is served at URL, a multivariant or media playlist, against
 * the HLS draft and Apple's authoring specification (scripts/hlsCheck/). Exit code 1 with findings. --rules lists the rules.
 */
import { parseArgs } from 'node:util';
import { checkPresentation } from './hlsCheck/checkPresentation.ts';
import { RULES } from './hlsCheck/rules/Findings.ts';
import { NOT_ASKED } from './hlsCheck/rules/liveRules.ts';

const USAGE = 'usage: npm run hls-check -- URL [--seconds N] [--json] [--rules]';

function options() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        seconds: { type: 'string', default: '30' },
        json: { type: 'boolean', default: false },
        rules: { type: 'boolean', default: false },
      },
    });
    const seconds = Number(values.seconds);
    const url = positionals[0] ?? '';
    if (values.rules) return { rules: true as const };
    if (!URL.canParse(url) || !(seconds > 0)) throw new Error(USAGE);
    return { rules: false as const, url, seconds, json: values.json };
  } catch (error) {
    console.error(`${(error as Error).message}`);
    process.exit(2);
  }
}

const asked = options();
if (asked.rules) {
  for (const [id, { level, from, says }] of Object.entries(RULES)) console.log(`${id} (${level}; ${from}): ${says}`);
  for (const { from, why } of NOT_ASKED) console.log(`not asked for (${from}): ${why}`);
} else {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  try {
    const result = await checkPresentation({ ...asked, signal: interrupted.signal });
    if (asked.json) console.log(JSON.stringify(result));
    else {
      for (const { url, versions, seconds, average, peak, driftMs } of result.renditions)
        console.log(
          `${url}: ${versions} versions, ${seconds.toFixed(1)} s of segments, ${average} bit/s, at most ${peak}` +
            `${driftMs === null ? '' : `, dates drifted ${driftMs.toFixed(0)} ms`}`,
        );
      for (const { rule, level, from, says, where, what, times } of result.findings)
        console.log(
          `${level.toUpperCase()} ${rule}: ${says} [${from}]\n  ${where}: ${what}${times > 1 ? ` (${times} times)` : ''}`,
        );
      console.log(result.findings.length === 0 ? 'no finding' : `${result.findings.length} findings`);
    }
    if (result.findings.length > 0) process.exitCode = 1;
  } catch (error) {
    console.error(`hls-check: ${(error as Error).message}`);
    process.exitCode = 2;
  }
}
