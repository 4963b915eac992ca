import { numberedNames, safeFolderName } from '#engine/folder-name.ts';
import { FaultError } from '#kit/fault.ts';

/** The folder's own name; then one without characters that servers refuse; then numbered ones while the name is taken. */
export async function tryNames<R>(
  name: string,
  write: (name: string) => Promise<R>,
): Promise<{ name: string; result: R }> {
  const names = [...new Set([name, safeFolderName(name)]), ...numberedNames(name)];
  let last: unknown;
  for (const candidate of names) {
    try {
      return { name: candidate, result: await write(candidate) };
    } catch (error) {
      last = error;
      const passing =
        error instanceof FaultError &&
        (error.fault.kind === 'stale' || (error.fault.kind === 'poison' && error.fault.reason === 'name-refused'));
      if (!passing) throw error;
    }
  }
  throw last;
}
