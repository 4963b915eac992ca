import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import { dnKey, parentDn } from '#model/directory/distinguished-name.ts';
import type { AttributeShape } from './attribute-shapes.ts';

/**
 * Which edits may be on their way at the same time. A controller answers a request after a journey, and may carry out what came over one
 * connection in any order ([RFC 4511] 3.1), so whatever builds on another edit waits for the answer to that one. What comes out is as if
 * one had been made after the other.
 */

/** Requests that a controller is given before it has answered. More gain nothing: it does the work of a few at a time. */
const onTheirWayMax = 8;

/** Names and values that an edit changes, and those that it counts on. */
interface Touched {
  readonly changes: ReadonlySet<string>;
  readonly needs: ReadonlySet<string>;
  /** It may change what cannot be told beforehand: a name of many. */
  readonly isAlone: boolean;
}

const ofObject = (guid: string): string => `guid ${guid}`;
const ofName = (dn: string): string => `dn ${dnKey(dn)}`;
const ofValue = (attribute: string, value: string): string => `${attribute.toLowerCase()} ${value.toLowerCase()}`;

/** Names to sign in with, which a domain gives to one object only ([MS-ADTS] 3.1.1.5.1.3): the first of two that want one has it. */
const givenOnce: ReadonlySet<string> = new Set(['samaccountname', 'userprincipalname', 'serviceprincipalname']);

function touchedBy(edit: DirectoryEdit, shapes: ReadonlyMap<string, AttributeShape>): Touched {
  const isReference = (name: string): boolean => shapes.get(name.toLowerCase())?.form === 'dn';
  const changes = new Set<string>();
  const needs = new Set<string>();
  const gains = (name: string, value: string): void => {
    if (isReference(name)) needs.add(ofName(value));
    else (givenOnce.has(name.toLowerCase()) ? changes : needs).add(ofValue(name, value));
  };
  switch (edit.kind) {
    case 'add': {
      const parent = parentDn(edit.dn);
      changes.add(ofName(edit.dn));
      if (parent !== null) needs.add(ofName(parent));
      for (const [name, values] of Object.entries(edit.attributes)) for (const value of values) gains(name, value);
      return { changes, needs, isAlone: false };
    }
    case 'modify': {
      changes.add(ofObject(edit.guid));
      for (const [name, { remove, add }] of Object.entries(edit.values)) {
        // A value that one gives up is free for the next.
        if (!isReference(name)) for (const value of remove) changes.add(ofValue(name, value));
        for (const value of add) gains(name, value);
      }
      return { changes, needs, isAlone: false };
    }
    // Names of everything below change with a container, and all that was held becomes free.
    case 'move':
    case 'remove':
      return { changes, needs, isAlone: true };
  }
}

const meet = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => {
  const [few, many] = a.size < b.size ? [a, b] : [b, a];
  for (const one of few) if (many.has(one)) return true;
  return false;
};

const mustWait = (later: Touched, earlier: Touched): boolean =>
  later.isAlone ||
  earlier.isAlone ||
  meet(earlier.changes, later.needs) ||
  meet(earlier.changes, later.changes) ||
  meet(earlier.needs, later.changes);

/**
 * Carries out edits, several at a time, none before those that it builds on. After a failure none is begun any more; it is thrown once the
 * others on their way have ended, so that nothing is written behind the caller's back.
 */
export async function inOrder(
  edits: readonly DirectoryEdit[],
  shapes: ReadonlyMap<string, AttributeShape>,
  act: (edit: DirectoryEdit, index: number) => Promise<void>,
): Promise<void> {
  const onTheirWay = new Map<Promise<void>, Touched>();
  const failures: unknown[] = [];
  for (const [index, edit] of edits.entries()) {
    const touched = touchedBy(edit, shapes);
    const isHeld = () =>
      onTheirWay.size >= onTheirWayMax || [...onTheirWay.values()].some((earlier) => mustWait(touched, earlier));
    while (failures.length === 0 && isHeld()) await Promise.race(onTheirWay.keys());
    if (failures.length > 0) break;
    const acting: Promise<void> = act(edit, index)
      .catch((error: unknown) => {
        failures.push(error);
      })
      .finally(() => onTheirWay.delete(acting));
    onTheirWay.set(acting, touched);
  }
  await Promise.all(onTheirWay.keys());
  if (failures.length > 0) throw failures[0];
}
