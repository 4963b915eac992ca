import { z } from 'zod';
import { secretReferencePattern } from './secret.ts';
import { didYouMean } from './suggest.ts';
import { parsePercent } from './values.ts';

/** What the blocks of the project file are made of, each with its message. */

/** A key as people write keys. Anything else may be a secret that YAML took for a key, and is not repeated. */
const keyPattern = /^[a-z][A-Za-z-]{0,39}$/;

/** An object that refuses unknown keys, one line of the message per key, in the order of `keys` of the issue. */
export function strict<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys')
        return issue.keys
          .map((key) => {
            const name = keyPattern.test(key) ? ` ${key}` : '';
            return `unknown key${name}${didYouMean(key, known) || `; known here: ${known.join(', ')}`}`;
          })
          .join('\n');
      return issue.code === 'invalid_type' ? 'this must be a block of keys and values' : undefined;
    },
  });
}

/** A text of a form. `form` says in a few words what belongs here; the given value is never repeated, it may be a secret. */
export const text = (form: string, accepts: (value: string) => boolean) =>
  z.string({ error: `this must be ${form}` }).refine(accepts, { error: `this must be ${form}` });

export const choice = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, {
    error: (issue) =>
      `this must be ${words.length === 1 ? words[0] : `one of ${words.join(', ')}`}${
        typeof issue.input === 'string' ? didYouMean(issue.input, words) : ''
      }`,
  });

export const list = <Item extends z.ZodType>(item: Item) =>
  z.array(item, { error: 'this must be a list, each entry on a line that begins with a dash' });

export const count = (what: string, min: number, max: number) =>
  z
    .number({ error: `this must be ${what}` })
    .int({ error: `this must be ${what}, a whole number` })
    .min(min, { error: `this must be ${what}, at least ${min}` })
    .max(max, { error: `this must be ${what}, at most ${max}` });

export const yesNo = z.boolean({ error: 'this must be true or false' });

/** Names are part of stamps, file names and commands, so they are short and plain. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const nameForm = 'a name of 1 to 64 letters, digits, dots, dashes and underscores';
export const named = <Value extends z.ZodType>(value: Value, what: string) =>
  z.record(z.string().regex(namePattern, { error: `${what}: each name must be ${nameForm}` }), value, {
    error: `this must be a block with one key for each of the ${what}`,
  });

export const secret = z
  .string({ error: 'a secret is given by reference: env:NAME or file:PATH' })
  .regex(secretReferencePattern, {
    error:
      'a secret never stands in this file; keep it in an environment variable and write env:NAME, or in a file of yours and write file:PATH',
  })
  .describe('Reference to a secret: env:NAME, or file:PATH of a file that only you can read.');

export const user = text('a sign-in name such as DOMAIN\\user or user@domain, or env:NAME', (value) =>
  /^[^\s\p{Cc}][^\p{Cc}]{0,255}$/u.test(value),
).describe('Sign-in name, or env:NAME.');

export const maxDelete = strict({
  share: text('a percentage such as 20%', (value) => parsePercent(value) !== null).optional(),
  atLeast: count('a number of items', 0, 1_000_000).optional(),
})
  .optional()
  .describe('Deletions of a pair in 24 hours: the larger of the two (default 20% and 10). Above it they are held.');

export const side = choice(['source', 'target']);
