import { bundle, start } from './processes.ts';

/** `causeway sync`, to its end. Exit codes of an operator's matter (quarantine, held deletions) are no failure here. */
export async function syncOnce(projectFile: string, args: readonly string[] = []): Promise<number> {
  const program = start(process.execPath, [bundle('cli'), 'sync', '--json', '--project', projectFile, ...args]);
  let out = '';
  program.child.stdout?.on('data', (data: Buffer) => (out = (out + data.toString()).slice(-100_000)));
  const how = await program.ended;
  if (typeof how !== 'number') throw new Error(`causeway sync ended by ${how}: ${program.complaints()}`);
  const last = out.trim().split('\n').at(-1) ?? '';
  const { writes } = JSON.parse(last) as { readonly writes?: number };
  if (writes === undefined) throw new Error(`causeway sync ended with ${how}: ${program.complaints() || last}`);
  return writes;
}
