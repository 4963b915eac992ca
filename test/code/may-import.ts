/**
 * The architecture: which room may import from which. Arrows point one way. `boundaries.test.ts` reads this table against the
 * import statements in src/. A target with a slash allows that folder of a room only.
 */
export const mayImport = {
  kit: [],
  model: ['kit'],
  formats: ['kit', 'model'],
  engine: ['kit', 'model'],
  connectors: ['kit', 'model', 'formats'],
  store: ['kit', 'model'],
  jobs: ['kit', 'model', 'engine', 'connectors', 'store', 'formats/text', 'formats/zones'],
  agent: ['kit', 'model', 'project', 'jobs', 'store', 'connectors'],
  project: ['kit', 'model'],
  cli: ['kit', 'model', 'project', 'jobs', 'agent', 'store', 'lab', 'connectors'],
  // A second, independent reading of the protocols: the text layer and nothing else, so that errors cannot cancel out.
  lab: ['kit', 'formats/text'],
} as const satisfies Record<string, readonly string[]>;

/** Rooms that only compute: no packages, and of Node only what is listed. */
export const pureRooms = {
  model: ['node:crypto'],
  engine: ['node:crypto'],
} as const satisfies Partial<Record<keyof typeof mayImport, readonly string[]>>;
