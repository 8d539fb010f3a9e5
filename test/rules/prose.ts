import ts from 'typescript';

export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly found: string;
  readonly instead: string;
}

/** Words that leave open who does what, or that few readers know; and what to write instead. */
export const WORDS: Readonly<Record<string, string>> = {
  nobody: 'name the subject and negate the verb: "no caller waits", "it is not awaited"',
  somebody: 'name the subject: "a caller", "another process", "an operator"',
  anybody: 'name the subject: "a caller", "another process", "an operator"',
  everybody: 'name the subject: "all callers", "every process"',
  whoever: 'name the subject: "a caller that", "the process that"',
  whomever: 'name the object: "the caller that"',
  seldom: '"rarely", or the figure: "at most every 10 s"',
  'in vain': 'say what happened: "without success", "until the timeout"',
  'all the same': '"nevertheless", "still"; of things "equal", "identical"',
  'to and fro': '"back and forth", "in both directions"',
  porch: '"entry point"',
  porches: '"entry points"',
  'floor plan': '"layers"',
};

/** What separates two words: also the end of a line, with the mark that begins a line of a comment. */
const GAP = '\\s+(?:(?:\\*|//|#)\\s+)?';
const FORBIDDEN = new RegExp(
  `\\b(?:${Object.keys(WORDS).join('|').replaceAll(' ', GAP)})\\b`,
  'gi',
);
const PRONOUN_FIRST = /\/\*\*\s+(?:\*\s+)?(?:It|They|Who|Whose|Whom|Which|What|Whatever)\b/g;

/** Findings in a text that is prose from beginning to end: Markdown, YAML, a shell script. */
export function findingsInText(path: string, text: string): Finding[] {
  return findingsBetween(path, text, 0, text.length);
}

/** Findings in the comments and strings of a TypeScript or JavaScript file. */
export function findingsInSource(path: string, text: string): Finding[] {
  if (findingsInText(path, text).length === 0) return []; // most files need not be parsed
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  const prose = [...commentsOf(source), ...sentencesOf(source)];
  return prose.flatMap(([from, to]) => findingsBetween(path, text, from, to));
}

function findingsBetween(path: string, text: string, from: number, to: number): Finding[] {
  const prose = text.slice(from, to);
  const matches = [...prose.matchAll(FORBIDDEN), ...prose.matchAll(PRONOUN_FIRST)];
  return matches.map(({ 0: match, index }) => {
    const found = match.replaceAll(new RegExp(GAP, 'g'), ' ');
    return {
      path,
      line: text.slice(0, from + index).split('\n').length,
      found,
      instead: WORDS[found.toLowerCase()] ?? 'begin with a verb, or with the thing described',
    };
  });
}

type Range = readonly [from: number, to: number];

function commentsOf(source: ts.SourceFile): Range[] {
  const ends = new Map<number, number>();
  for (const node of nodesOf(source, source)) {
    const ranges = [
      ...(ts.getLeadingCommentRanges(source.text, node.pos) ?? []),
      ...(ts.getTrailingCommentRanges(source.text, node.end) ?? []),
    ];
    ranges.forEach(({ pos, end }) => ends.set(pos, end));
  }
  return [...ends];
}

/** Strings, and parts of templates, that have a space: all others are data. */
function sentencesOf(source: ts.SourceFile): Range[] {
  return nodesOf(source, source)
    .filter(
      (node) =>
        ts.isStringLiteral(node) ||
        ts.isNoSubstitutionTemplateLiteral(node) ||
        ts.isTemplateHead(node) ||
        ts.isTemplateMiddleOrTemplateTail(node),
    )
    .map((node): Range => [node.getStart(source), node.end])
    .filter(([from, to]) => /\s/.test(source.text.slice(from, to)));
}

function nodesOf(node: ts.Node, source: ts.SourceFile): ts.Node[] {
  return [node, ...node.getChildren(source).flatMap((child) => nodesOf(child, source))];
}
