import { z } from 'zod';
import { projectSchema } from './schema.ts';

/** JSON Schema of the project file for editors, as it lies under `schema/`. */
export function projectJsonSchema(): string {
  const schema = z.toJSONSchema(projectSchema, {
    io: 'input',
    // YAML reads `version: 2010` and `min: 1.2` as numbers; both forms are accepted, so both are offered.
    override: ({ jsonSchema }) => {
      const numbers = jsonSchema.enum?.filter((word) => /^\d+(\.\d+)?$/.test(String(word))).map(Number) ?? [];
      if (numbers.length === 0) return;
      jsonSchema.enum = [...new Set([...(jsonSchema.enum ?? []), ...numbers])];
      delete jsonSchema.type;
    },
  });
  return `${JSON.stringify(schema, null, 2)}\n`;
}
