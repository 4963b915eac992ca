import type { Written } from '../../contract.ts';
import { itemIdOf } from '../mail-codec.ts';
import type { AnswerReader } from '../operation.ts';
import { onlyItem } from './ids.ts';

/** Reads where a write ended up; null: it was done, and the server does not say under which id. */
export const writtenReader = (): AnswerReader<Written | null> => ({
  read(message) {
    const item = onlyItem(message);
    return item === null ? null : itemIdOf(item);
  },
});
