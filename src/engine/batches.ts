/** Splits things into batches of at most `countMax`, and of at most `bytesMax` in sum; a thing larger than that stands alone. */
export function batchBySize<T>(
  things: readonly T[],
  sizeOf: (thing: T) => number,
  countMax: number,
  bytesMax: number,
): T[][] {
  const batches: T[][] = [];
  let batch: T[] = [];
  let bytes = 0;
  for (const thing of things) {
    const size = sizeOf(thing);
    if (batch.length > 0 && (batch.length >= countMax || bytes + size > bytesMax)) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(thing);
    bytes += size;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
