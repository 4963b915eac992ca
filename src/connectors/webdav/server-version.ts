/** First builds of what was sold under a name, newest first (evolution-exchange `docs/service-packs`; Microsoft's list of build numbers). */
const products: readonly (readonly [major: number, minor: number, build: number, name: string])[] = [
  [8, 3, 0, 'Exchange 2007 SP3'],
  [8, 2, 0, 'Exchange 2007 SP2'],
  [8, 1, 0, 'Exchange 2007 SP1'],
  [8, 0, 0, 'Exchange 2007'],
  [6, 5, 7638, 'Exchange 2003 SP2'],
  [6, 5, 7226, 'Exchange 2003 SP1'],
  [6, 5, 0, 'Exchange 2003'],
  [6, 0, 6249, 'Exchange 2000 SP3'],
  [6, 0, 5762, 'Exchange 2000 SP2'],
  [6, 0, 4712, 'Exchange 2000 SP1'],
  [6, 0, 0, 'Exchange 2000'],
];

/** `6.5.7226` of the header `MS-WebStorage` as `Exchange 2003 SP1 (6.5.7226)`. */
export function productOf(storage: string): string {
  const [major, minor = 0, build = 0] = storage.slice(0, 40).split('.').map(Number);
  const found = products.find(([a, b, c]) => a === major && (b < minor || (b === minor && c <= build)));
  return found === undefined ? `Exchange (${storage.slice(0, 40)})` : `${found[3]} (${storage.slice(0, 40)})`;
}
