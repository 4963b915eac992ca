/**
 * The known word that was probably meant: within two edits (a swap of neighbours is one), or the same but for case and
 * punctuation. Null when nothing is close.
 */
export function suggest(given: string, known: readonly string[]): string | null {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const wanted = plain(given);
  const same = known.find((word) => plain(word) === wanted);
  if (same !== undefined) return same;
  let best: string | null = null;
  let bestEdits = Math.min(2, Math.floor(wanted.length / 2)) + 1;
  for (const word of known) {
    const edits = editDistance(wanted, plain(word), bestEdits);
    if (edits < bestEdits) [best, bestEdits] = [word, edits];
  }
  return best;
}

/** `; did you mean x?` or nothing, to be put at the end of a message. */
export function didYouMean(given: string, known: readonly string[]): string {
  const word = suggest(given, known);
  return word === null ? '' : `; did you mean ${word}?`;
}

/** Damerau-Levenshtein distance of neighbours (optimal string alignment), at most `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit || a.length > 100 || b.length > 100) return limit;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? limit) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let edits = Math.min(replaced, (previous[j] ?? limit) + 1, (row[j - 1] ?? limit) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, (before[j - 2] ?? limit) + 1);
      row.push(edits);
    }
    [before, previous] = [previous, row];
  }
  return Math.min(previous[b.length] ?? limit, limit);
}
