import { build } from 'vite';

/** One script for a page of a test, with all that it imports. */
export async function bundle(entry: string): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      minify: false,
      rollupOptions: { input: entry, output: { format: 'iife' } },
      modulePreload: false,
    },
  });
  const [output] = [result].flat() as { output: { type: string; code?: string }[] }[];
  const code = output?.output.find((o) => o.type === 'chunk')?.code;
  if (!code) throw new Error(`${entry} gave no script`);
  return code;
}
