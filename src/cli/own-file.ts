import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Absolute path of a file that comes with the program; null when it is not there. @param name From the package's root. */
export function ownFile(name: string): string | null {
  // The root is beside dist/ in a bundle, beside src/ in tests: one folder up or two.
  const places = ['../', '../../'].map((up) => fileURLToPath(new URL(`${up}${name}`, import.meta.url)));
  return places.find((place) => existsSync(place)) ?? null;
}
