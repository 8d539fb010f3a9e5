/** Makes the site read the documents as they are written for the repository. */

/** The anchors that GitHub makes from headings, so that one link leads to the same place on both. */
export function githubAnchor(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .replaceAll(' ', '-');
}

/**
 * A block of `mermaid` becomes a picture: see `theme/mermaid-diagram.mjs`. A block of `promql` stays plain,
 * because the highlighter does not know the language.
 */
export function fences(md) {
  const fence = md.renderer.rules.fence;
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    const token = tokens[index];
    if (token.info === 'mermaid') {
      return `<MermaidDiagram code="${encodeURIComponent(token.content)}" />`;
    }
    if (token.info === 'promql') token.info = 'txt';
    return fence(tokens, index, ...rest);
  };
}

/** The changelog and the page for contributors are in the root of the repository, and link from there. */
export function documentLinks(md) {
  md.core.ruler.push('document-links', ({ env, tokens }) => {
    if (!['changelog.md', 'contributing.md'].includes(env.relativePath)) return;
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null;
      if (href?.startsWith('docs/')) token.attrSet('href', href.replace('docs/', './'));
      if (href === 'CHANGELOG.md') token.attrSet('href', './changelog.md');
    }
  });
}
