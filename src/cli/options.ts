import { InvalidArgumentError } from 'commander';

/** The value of `--limit`. */
export function limit(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 1_000_000)
    throw new InvalidArgumentError('Give a number from 1 to 1000000.');
  return count;
}
