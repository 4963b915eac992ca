/** One thing that is wrong in a file that a person wrote, and where. Never holds a secret. */
export interface Problem {
  readonly file: string;
  /** 1-based; 0: the file as a whole. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export function describeProblem({ file, line, column, message }: Problem): string {
  return line === 0 ? `${file}: ${message}` : `${file}:${line}:${column}: ${message}`;
}

/** The project cannot be used as it is written. Everything that is wrong is listed, in the order of the files' lines. */
export class ProjectError extends Error {
  override readonly name = 'ProjectError';
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    const sorted = [...problems].sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column);
    super(sorted.map(describeProblem).join('\n'));
    this.problems = sorted;
  }
}
