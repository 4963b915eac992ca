/** A name without the characters that servers refuse, for when the folder's own name is refused. At most 255 characters. */
export function safeFolderName(name: string): string {
  return name.replace(/[\u0000-\u001f\u007f\ufffe\uffff]/g, '_').slice(0, 255) || '_';
}

/** Names to try while a name is taken: `name (2)` to `name (9)`. */
export function numberedNames(name: string): readonly string[] {
  return Array.from({ length: 8 }, (_, i) => `${safeFolderName(name).slice(0, 250)} (${i + 2})`);
}
