/**
 * Pictures of the guide, as SVG without scripts and fonts. They are transparent, and their colours can be read
 * on a light and on a dark page.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { print } from './results.mjs';

const IMAGES = fileURLToPath(new URL('../../docs/guide/images/', import.meta.url));

export const WIDTH = 720;
export const OURS = '#2f81f7';
export const OTHERS = '#8b949e';

/** @param parts what is drawn, from the top left corner */
export function writePicture(name, title, height, parts) {
  mkdirSync(IMAGES, { recursive: true });
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="sans-serif">`,
    `<title>${escaped(title)}</title>`,
    '<style>text{fill:#57606a}@media(prefers-color-scheme:dark){text{fill:#c9d1d9}}</style>',
    ...parts,
    '</svg>',
  ];
  writeFileSync(`${IMAGES}${name}.svg`, `${svg.join('\n')}\n`);
  print(['drawn', `docs/guide/images/${name}.svg`]);
}

export function text(x, y, content, { anchor = 'start', size = 12, weight = 400 } = {}) {
  const at = `x="${x.toFixed(1)}" y="${y.toFixed(1)}"`;
  return `<text ${at} font-size="${size}" font-weight="${weight}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

function escaped(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
