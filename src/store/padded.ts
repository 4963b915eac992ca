/** Largest list that one statement carries: below the limits on bound values of both engines, whatever else is bound. */
const LIST_MAX = 512;

/**
 * The list filled up to a power of two by repeating its last element, so that the texts of statements with lists are few and
 * stay prepared. Not for empty lists.
 */
function padded<T>(values: readonly T[]): readonly T[] {
  const last = values.at(-1);
  if (last === undefined) return values;
  const length = 2 ** Math.ceil(Math.log2(values.length));
  return [...values, ...Array.from({ length: length - values.length }, () => last)];
}

/** Runs a query with a list in pieces, without doubles, and joins the rows. An empty list asks nothing. */
export async function inPieces<T, R>(
  values: readonly T[],
  query: (piece: readonly T[]) => Promise<readonly R[]>,
): Promise<R[]> {
  const rows: R[] = [];
  for (let at = 0; at < values.length; at += LIST_MAX)
    rows.push(...(await query(padded(values.slice(at, at + LIST_MAX)))));
  return rows;
}
