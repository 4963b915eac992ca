import { clientIntent } from '#model/client-intent.ts';
import { extendedPart, type Part } from '../typed/parts.ts';

/** Says of a copy of somebody else's meeting what was meant. @param intent `keptInStep` or `goesAsWell`. */
export const intentPart = (intent: number): Part => extendedPart(clientIntent, String(intent));
