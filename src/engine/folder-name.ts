/** Characters of a folder name that every version takes (PidTagDisplayName of a folder). */
const nameMax = 255;

/** A name without the characters that servers refuse, for when the folder's own name is refused. At most 255 characters. */
export function safeFolderName(name: string): string {
  return cut(name.replace(/[\u0000-\u001f\u007f\ufffe\uffff]/g, '_'), nameMax) || '_';
}

/** Names to try while a name is taken: `name (2)` to `name (9)`. */
export function numberedNames(name: string): readonly string[] {
  return Array.from({ length: 8 }, (_, i) => `${cut(safeFolderName(name), nameMax - 5)} (${i + 2})`);
}

/** What a server may take for the same name: it compares without case, and some without trailing spaces or by what a person sees. */
export const comparableName = (name: string): string => name.trim().normalize('NFC').toLowerCase();

/** The beginning of a text; a character of two units is not torn apart. */
const cut = (text: string, max: number): string => text.slice(0, max).replace(/[\ud800-\udbff]$/, '');
