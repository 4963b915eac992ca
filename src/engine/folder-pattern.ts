import type { FolderRole } from '#model/folder.ts';

/** A folder's place as patterns see it: segments from the top, the first one with its role when it is well known. */
export interface FolderPlace {
  readonly segments: readonly string[];
  readonly role: FolderRole | null;
  /** Role of the top-most folder on the path, for `@role/…` patterns. */
  readonly topRole: FolderRole | null;
}

/** Path of segments as people write it in the project file: `/` and `%` inside names are escaped. */
export function writePath(segments: readonly string[]): string {
  return segments.map((s) => s.replaceAll('%', '%25').replaceAll('/', '%2F')).join('/');
}

export function readPath(path: string): readonly string[] {
  return path
    .split('/')
    .filter((s) => s !== '')
    .map((s) => s.replace(/%2F/gi, '/').replaceAll('%25', '%'));
}

/** Whether a pattern (see `MailPolicy.include`) matches a place. A pattern that matches a folder matches what is below it. */
export function matchesFolder(pattern: string, place: FolderPlace): boolean {
  const parts = pattern.split('/').filter((s) => s !== '');
  const [first] = parts;
  if (first?.startsWith('@')) {
    const role = first.slice(1).toLowerCase();
    if (parts.length === 1) return place.role === role || place.topRole === role;
    return place.topRole === role && matchSegments(parts.slice(1), place.segments.slice(1));
  }
  return matchSegments(parts, place.segments);
}

function matchSegments(parts: readonly string[], segments: readonly string[]): boolean {
  const [part, ...rest] = parts;
  if (part === undefined) return true;
  if (part === '**') {
    if (rest.length === 0) return true;
    return segments.some((_, i) => matchSegments(rest, segments.slice(i)));
  }
  const [segment, ...deeper] = segments;
  return segment !== undefined && matchSegment(part, segment) && matchSegments(rest, deeper);
}

function matchSegment(part: string, segment: string): boolean {
  const literal = readPath(part)[0] ?? '';
  const expression = literal
    .split('*')
    .map((s) => s.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${expression}$`, 'isu').test(segment);
}
